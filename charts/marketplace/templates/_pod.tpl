{{/* What every pod of ours has alike: the restricted Pod Security Standard, and more. */}}
{{- define "marketplace.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{- define "marketplace.containerSecurity" -}}
allowPrivilegeEscalation: false
privileged: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities: {drop: [ALL]}
seccompProfile: {type: RuntimeDefault}
{{- end }}

{{/* Startup, live and ready; pgBouncer speaks no HTTP. (list $root $workload) */}}
{{- define "marketplace.probes" -}}
{{- $root := index . 0 }}
{{- $workload := index . 1 }}
{{- $scheme := include "marketplace.scheme" $root | upper }}
{{- $ask := dict "tcpSocket" (dict "port" "pgbouncer") }}
{{- $live := $ask }}
{{- $ready := $ask }}
{{- if $workload.operations }}
{{- $live = dict "httpGet" (dict "path" "/health/live" "port" "operations" "scheme" $scheme) }}
{{- $ready = dict "httpGet" (dict "path" "/health/ready" "port" "operations" "scheme" $scheme) }}
{{- end }}
startupProbe:
  {{- toYaml $live | nindent 2 }}
  periodSeconds: 2
  timeoutSeconds: 2
  failureThreshold: {{ div (int $workload.settings.startupSeconds) 2 }}
livenessProbe:
  {{- toYaml $live | nindent 2 }}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  {{- toYaml $ready | nindent 2 }}
  periodSeconds: 5
  timeoutSeconds: 3
  failureThreshold: 2
{{- end }}

{{- define "marketplace.scheduling" -}}
{{- $root := index . 0 }}
{{- $workload := index . 1 }}
{{- $spread := $root.Values.scheduling.spread }}
topologySpreadConstraints:
{{- range $key, $unsatisfiable := dict "topology.kubernetes.io/zone" $spread.zones "kubernetes.io/hostname" $spread.nodes }}
  - maxSkew: 1
    topologyKey: {{ $key }}
    whenUnsatisfiable: {{ $unsatisfiable }}
    labelSelector:
      matchLabels:
        {{- include "marketplace.selector" (list $root $workload) | nindent 8 }}
    matchLabelKeys: [pod-template-hash]
{{- end }}
{{- with $root.Values.scheduling.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $root.Values.scheduling.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The environment of a process, by the names that the launcher gives as well (shared/devstack/services.py). */}}
{{- define "marketplace.environment" -}}
{{- $root := index . 0 }}
{{- $workload := index . 1 }}
{{- $values := $root.Values }}
{{- $plain := dict "PYTHONUNBUFFERED" "1" "LOG_LEVEL" $values.logLevel }}
{{- $logins := $workload.logins }}
{{- if eq $workload.kind "gateway" }}
{{- $plain = mergeOverwrite $plain $values.gateway.env }}
{{- else }}
{{- $plain = merge $plain (dict "HOST" "0.0.0.0" "ENVIRONMENT" "production" "OPERATIONS_PORT" (int $workload.operations | toString)) }}
{{- if $values.tls.enabled }}
{{- $plain = merge $plain (dict "TLS_CERTIFICATE_FILE" "/etc/marketplace/tls/tls.crt" "TLS_KEY_FILE" "/etc/marketplace/tls/tls.key") }}
{{- else }}
{{- $_ := set $plain "PLAINTEXT_ALLOWED" "true" }}
{{- end }}
{{- end }}
{{- if $workload.domain }}
{{- $plain = merge $plain (dict "POSTGRES_POOLER" ($values.pgbouncer.enabled | toString) "POSTGRES_POOL_SIZE" (int $values.postgres.poolSize | toString) "GATEWAY_JWKS_FILE" "/etc/marketplace/secrets/gateway.jwks.json" "SEALING_PUBLIC_KEY_FILE" "/etc/marketplace/secrets/sealing.pub") }}
{{- if $values.postgres.replica.host }}
{{- $_ := set $plain "POSTGRES_REPLICA_STALENESS" ($values.postgres.replica.stalenessSeconds | toString) }}
{{- $logins = append $logins "postgres_replica" }}
{{- end }}
{{- range $variable, $file := $workload.secrets }}
{{- $_ := set $plain $variable (printf "/etc/marketplace/secrets/%s" $file) }}
{{- end }}
{{- $plain = mergeOverwrite $plain $workload.env }}
{{- end }}
{{- if eq $workload.kind "api" }}
{{- $_ := set $plain "PORT" (int $workload.port | toString) }}
{{- $_ := set $plain "SHUTDOWN_DELAY" (int $workload.settings.shutdownDelay | toString) }}
{{- /* Whom the ingress controller calls as well cannot ask for a certificate that the gateway alone has. */}}
{{- if and $values.tls.enabled $values.tls.clientCertificates (not $workload.routed) }}
{{- $_ := set $plain "TLS_CLIENT_AUTHORITIES_FILE" "/etc/marketplace/tls/ca.crt" }}
{{- end }}
{{- end }}
{{- with $values.tracing.endpoint }}
{{- $_ := set $plain "OTEL_EXPORTER_OTLP_ENDPOINT" . }}
{{- $_ := set $plain "OTEL_TRACES_SAMPLER_ARG" (toString $values.tracing.ratio) }}
{{- end }}
{{- range $name, $value := $plain }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- range $store := $logins }}
- name: {{ upper $store }}_URL
  valueFrom:
    secretKeyRef:
      name: {{ include "marketplace.secret" (list $root $workload) }}
      key: {{ upper $store }}_URL
{{- end }}
{{- end }}

{{/* The two processes of a subgraph have one secret; every other process has its own. */}}
{{- define "marketplace.secret" -}}
{{- $workload := index . 1 }}
{{- include "marketplace.name" (list (index . 0) ($workload.domain | default $workload.name | replace "_" "-")) }}
{{- end }}

{{/* The files among its secrets that a process is shown: (list $root $workload), as JSON. */}}
{{- define "marketplace.keyFiles" -}}
{{- $workload := index . 1 }}
{{- if eq $workload.kind "gateway" }}
{{- list "gateway.pem" | toJson }}
{{- else if $workload.domain }}
{{- concat (list "gateway.jwks.json" "sealing.pub") (values $workload.secrets) | uniq | sortAlpha | toJson }}
{{- else }}
{{- list | toJson }}
{{- end }}
{{- end }}
