{{- define "plimsoll.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 50 | trimSuffix "-" }}
{{- end }}

{{/* Names of objects. 50 characters leave room for the longest suffix within the 63 of a Service. */}}
{{- define "plimsoll.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains (include "plimsoll.name" .) .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name (include "plimsoll.name" .) | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Selectors of a Deployment cannot be changed later: nothing that may change is in them. */}}
{{- define "plimsoll.selectorLabels" -}}
app.kubernetes.io/name: {{ include "plimsoll.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "plimsoll.serviceSelector" -}}
{{ include "plimsoll.selectorLabels" . }}
app.kubernetes.io/component: service
{{- end }}

{{- define "plimsoll.labels" -}}
{{ include "plimsoll.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "plimsoll.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "plimsoll.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- required "serviceAccount.name: name the service account to use, or set serviceAccount.create=true." .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{- define "plimsoll.image" -}}
{{- with .Values.image }}
{{- if .digest }}
{{- printf "%s@%s" .repository .digest }}
{{- else }}
{{- printf "%s:%s" .repository (default $.Chart.AppVersion .tag) }}
{{- end }}
{{- end }}
{{- end }}

{{- define "plimsoll.imagePullSecrets" -}}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "plimsoll.podSecurityContext" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "plimsoll.securityContext" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities: { drop: [ALL] }
{{- end }}

{{/* The least number of replicas that there will be. */}}
{{- define "plimsoll.leastReplicas" -}}
{{- if .Values.autoscaling.enabled }}{{ .Values.autoscaling.minReplicas }}{{ else }}{{ .Values.replicaCount }}{{ end }}
{{- end }}

{{- define "plimsoll.webhookHost" -}}
{{- printf "%s-webhook.%s.svc" (include "plimsoll.fullname" .) .Release.Namespace }}
{{- end }}

{{- define "plimsoll.certificateSecret" -}}
{{- with .Values.webhook.certificate }}
{{- if eq .source "existingSecret" }}
{{- required "webhook.certificate.existingSecret.name: name the Secret of type kubernetes.io/tls that holds the webhook's certificate." .existingSecret.name }}
{{- else }}
{{- include "plimsoll.fullname" $ }}-webhook-tls
{{- end }}
{{- end }}
{{- end }}

{{- define "plimsoll.databaseSecret" -}}
{{- if .Values.database.bundled.enabled }}{{ include "plimsoll.fullname" . }}-postgres{{ else }}{{ .Values.database.existingSecret.name }}{{ end }}
{{- end }}

{{/* DATABASE_URL as an entry of env, from the Secret given as {name, key}. */}}
{{- define "plimsoll.databaseEnv" -}}
- name: DATABASE_URL
  valueFrom:
    secretKeyRef: { name: {{ .name | quote }}, key: {{ .key | quote }} }
{{- end }}
