{{/* Settings of the service: docs/configuration.md. */}}
{{- define "plimsoll.environment" -}}
- { name: PORT, value: "8080" }
- { name: PLIMSOLL_HOST, value: 0.0.0.0 }
- { name: PLIMSOLL_API_AUTH, value: token-review }
- { name: WEBHOOK_PORT, value: "8443" }
- { name: PLIMSOLL_WEBHOOK_HOST, value: 0.0.0.0 }
{{- if eq .Values.webhook.certificate.source "selfManaged" }}
- { name: PLIMSOLL_TLS_SECRET, value: {{ include "plimsoll.certificateSecret" . }} }
- { name: PLIMSOLL_WEBHOOK_NAMES, value: {{ include "plimsoll.webhookHost" . | quote }} }
- { name: PLIMSOLL_WEBHOOK_CONFIGURATION, value: {{ include "plimsoll.fullname" . }} }
{{- else }}
- { name: PLIMSOLL_TLS_CERT_FILE, value: /tls/tls.crt }
- { name: PLIMSOLL_TLS_KEY_FILE, value: /tls/tls.key }
{{- end }}
- { name: PLIMSOLL_KUBECONFIG, value: in-cluster }
- { name: PLIMSOLL_DATA_DIR, value: /data }
- { name: PLIMSOLL_DEFAULT_MODE, value: {{ .Values.defaultMode | quote }} }
- { name: PLIMSOLL_REJECT, value: {{ join "," .Values.reject | quote }} }
{{- with .Values.nodePools }}
- { name: PLIMSOLL_NODE_POOLS, value: {{ toJson . | quote }} }
{{- end }}
- { name: PLIMSOLL_ADMISSION_BUDGET_MS, value: {{ .Values.webhook.budgetMs | int | quote }} }
- { name: PLIMSOLL_WORKERS, value: {{ .Values.workers | int | quote }} }
- { name: PLIMSOLL_DRAIN_MS, value: {{ .Values.drainMs | int | quote }} }
- { name: PLIMSOLL_LOG_LEVEL, value: {{ .Values.log.level | quote }} }
- { name: PLIMSOLL_LOG_FORMAT, value: {{ .Values.log.format | quote }} }
{{- with .Values.inventory }}
- { name: PLIMSOLL_DCGM_DISCOVERY, value: {{ .discovery | quote }} }
{{- with .selector }}
- { name: PLIMSOLL_DCGM_SELECTOR, value: {{ . | quote }} }
{{- end }}
{{- with .targets }}
- { name: PLIMSOLL_DCGM_TARGETS, value: {{ join "," . | quote }} }
{{- end }}
{{- with .prometheus.url }}
- { name: PLIMSOLL_PROMETHEUS_URL, value: {{ . | quote }} }
{{- end }}
{{- with .prometheus.matchers }}
- { name: PLIMSOLL_PROMETHEUS_MATCHERS, value: {{ . | quote }} }
{{- end }}
{{- if .prometheus.url }}
- { name: PLIMSOLL_PROMETHEUS_BACKFILL_HOURS, value: {{ .prometheus.backfillHours | int | quote }} }
- { name: PLIMSOLL_PROMETHEUS_BACKFILL_STEP_SECONDS, value: {{ .prometheus.backfillStepSeconds | int | quote }} }
{{- end }}
{{- $headers := list }}
{{- range $name, $value := .prometheus.headers }}
{{- $headers = append $headers (printf "%s: %s" $name $value) }}
{{- end }}
{{- with $headers }}
- { name: PLIMSOLL_PROMETHEUS_HEADERS, value: {{ join "\n" . | quote }} }
{{- end }}
- { name: PLIMSOLL_FOLD_AFTER_DAYS, value: {{ .foldAfterDays | int | quote }} }
- { name: PLIMSOLL_KEEP_DAYS, value: {{ .keepDays | int | quote }} }
- { name: PLIMSOLL_SCRAPE_INTERVAL_MS, value: {{ .scrapeIntervalMs | int | quote }} }
- { name: PLIMSOLL_SCRAPE_TIMEOUT_MS, value: {{ .scrapeTimeoutMs | int | quote }} }
{{- end }}
{{- with .Values.observation }}
- { name: PLIMSOLL_CLUSTER_NAME, value: {{ .clusterName | quote }} }
- { name: PLIMSOLL_OBSERVATION_DAYS, value: {{ .days | int | quote }} }
- { name: PLIMSOLL_OBSERVED_LEAST_MS, value: {{ .leastMs | int | quote }} }
{{- end }}
{{ include "plimsoll.databaseEnv" (dict "name" (include "plimsoll.databaseSecret" .) "key" (ternary "DATABASE_URL" .Values.database.existingSecret.key .Values.database.bundled.enabled)) }}
{{- end }}
