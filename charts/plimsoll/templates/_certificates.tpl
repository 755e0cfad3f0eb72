{{/*
Authority, certificate and key that Helm made, base64: those of the Secret where it is there and not due, else new ones.
With new ones the authority before them stays trusted until the upgrade after: pods read the Secret a minute later.
Worked out once per rendering, as Secret and webhook configurations must agree.
*/}}
{{- define "plimsoll.selfSigned" -}}
{{- if not (hasKey .Values "plimsollSelfSigned") }}
{{- $_ := set .Values "plimsollSelfSigned" (include "plimsoll.selfSignedNow" .) }}
{{- end }}
{{- .Values.plimsollSelfSigned }}
{{- end }}

{{- define "plimsoll.selfSignedNow" -}}
{{- $secret := lookup "v1" "Secret" .Release.Namespace (include "plimsoll.certificateSecret" .) | default dict }}
{{- $data := get $secret "data" | default dict }}
{{- $now := now | unixEpoch | int64 }}
{{- $notAfter := dig "metadata" "annotations" "plimsoll.dev/not-after" "0" $secret | int64 }}
{{- $due := sub $notAfter (mul 86400 (int .Values.webhook.certificate.selfSigned.renewBeforeDays)) }}
{{- if and (hasKey $data "tls.crt") (hasKey $data "tls.key") (hasKey $data "ca.crt") (lt $now $due) }}
{{- toYaml (dict "certificate" (index $data "tls.crt") "key" (index $data "tls.key") "authority" (index $data "ca.crt") "notAfter" ($notAfter | toString)) }}
{{- else }}
{{- $days := int .Values.webhook.certificate.selfSigned.validityDays }}
{{- $host := include "plimsoll.webhookHost" . }}
{{- $authority := genCA (printf "%s-authority" (include "plimsoll.fullname" .)) $days }}
{{- $made := genSignedCert $host nil (list $host) $days $authority }}
{{- $before := regexFind "-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\n" (get $data "ca.crt" | b64dec) }}
{{- toYaml (dict "certificate" ($made.Cert | b64enc) "key" ($made.Key | b64enc) "authority" (print $authority.Cert $before | b64enc) "notAfter" (add $now (mul 86400 $days) | toString)) }}
{{- end }}
{{- end }}

{{/* caBundle of the webhook configurations, base64; empty where cert-manager puts it in. */}}
{{- define "plimsoll.caBundle" -}}
{{- $source := .Values.webhook.certificate.source }}
{{- $existing := .Values.webhook.certificate.existingSecret }}
{{- if eq $source "selfSigned" }}
{{- (include "plimsoll.selfSigned" . | fromYaml).authority }}
{{- else if and (eq $source "existingSecret") $existing.caBundle }}
{{- $existing.caBundle | trim | printf "%s\n" | b64enc }}
{{- else if eq $source "existingSecret" }}
{{- $secret := lookup "v1" "Secret" .Release.Namespace $existing.name | default dict }}
{{- dig "data" "ca.crt" "" $secret | required (printf "webhook.certificate.existingSecret.caBundle: the API server must know which authority signed the certificate, and the Secret %s has no ca.crt (or cannot be looked at, as with helm template). Give the authority as PEM." $existing.name) }}
{{- end }}
{{- end }}
