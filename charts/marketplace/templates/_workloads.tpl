{{/* Every process of the release as a JSON list, read off the register: the other templates range over it.
     name, kind, domain (of a subgraph's), port (of its GraphQL, where it has one), operations (health and metrics), command, queues,
     stores (which it may reach), settings (of its kind, with its subgraph's own laid over). */}}
{{- define "marketplace.workloads" -}}
{{- $root := . }}
{{- $register := .Files.Get "files/register.yaml" | fromYaml }}
{{- $kinds := .Values.kinds }}
{{- $known := dict }}
{{- $routed := dict }}
{{- if .Values.ingress.enabled }}
{{- range .Values.ingress.routes }}{{ $_ := set $routed .subgraph true }}{{ end }}
{{- end }}
{{- $command := list "python" "-m" "gateway" "--supergraph" "supergraph/supergraph.graphql" "--config" "/etc/marketplace/gateway/gateway.yaml" }}
{{- $all := list (dict "name" "gateway" "kind" "gateway" "port" 4000 "operations" 4000 "command" $command "queues" list "logins" (list "redis") "stores" (list "redis") "settings" $kinds.gateway) }}
{{- range $subgraph := $register.subgraphs }}
{{- $_ := set $known $subgraph.name true }}
{{- $own := index $root.Values.subgraphs $subgraph.name | default dict }}
{{- $dns := $subgraph.name | replace "_" "-" }}
{{- $shared := dict "domain" $subgraph.name "secrets" (merge dict ($own.secrets | default dict) ($subgraph.secrets | default dict)) "env" ($own.env | default dict) "egress" ($own.egress | default list) }}
{{- $all = append $all (merge (dict "name" (printf "%s-api" $dns) "kind" "api" "routed" (hasKey $routed $subgraph.name) "port" $subgraph.port "operations" (add $subgraph.port 100) "command" (list "python" "-m" "shared.runtime" "api" $subgraph.name) "queues" list "logins" (list "postgres" "rabbitmq" "redis") "stores" (list "postgres" "redis") "settings" (mergeOverwrite dict (deepCopy $kinds.api) ($own.api | default dict))) $shared) }}
{{- $all = append $all (merge (dict "name" (printf "%s-worker" $dns) "kind" "worker" "operations" (add $subgraph.port 200) "command" (list "python" "-m" "shared.runtime" "worker" $subgraph.name) "queues" (keys ($subgraph.queues | default dict) | sortAlpha) "logins" (list "postgres" "rabbitmq" "redis") "stores" (list "postgres" "redis" "rabbitmq") "settings" (mergeOverwrite dict (deepCopy $kinds.worker) ($own.worker | default dict))) $shared) }}
{{- end }}
{{- with $register.evictor }}
{{- $all = append $all (dict "name" "evictor" "kind" "evictor" "operations" .port "command" (list "python" "-m" "supergraph.evictor") "queues" (list .queue) "logins" (list "rabbitmq" "redis") "stores" (list "redis" "rabbitmq") "settings" $kinds.evictor) }}
{{- end }}
{{- if .Values.pgbouncer.enabled }}
{{- /* A renewed certificate is read at a reload, for which it waits for somebody to tell it. */}}
{{- $reloading := "pooler=$$; while sleep 60 && kill -HUP $pooler; do :; done & exec pgbouncer /etc/pgbouncer/pgbouncer.ini" }}
{{- $all = append $all (dict "name" "pgbouncer" "kind" "pgbouncer" "port" .Values.pgbouncer.port "command" (list "sh" "-c" $reloading) "queues" list "logins" list "stores" (list "postgres") "settings" $kinds.pgbouncer) }}
{{- end }}
{{- range $name := concat (keys .Values.subgraphs) (keys $routed) }}
{{- if not (hasKey $known $name) }}{{ fail (printf "values speak of the subgraph %s, which is not in the register" $name) }}{{ end }}
{{- end }}
{{- toJson $all }}
{{- end }}

{{/* The full name of a part: (list $root "orders-api"). */}}
{{- define "marketplace.name" -}}
{{ printf "%s-%s" (index . 0).Release.Name (index . 1) }}
{{- end }}

{{- define "marketplace.selector" -}}
app.kubernetes.io/instance: {{ (index . 0).Release.Name }}
app.kubernetes.io/name: {{ (index . 1).name }}
{{- end }}

{{- define "marketplace.labels" -}}
{{ include "marketplace.selector" . }}
app.kubernetes.io/component: {{ (index . 1).kind }}
app.kubernetes.io/part-of: marketplace
app.kubernetes.io/version: {{ (index . 0).Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ (index . 0).Release.Service }}
helm.sh/chart: {{ printf "%s-%s" (index . 0).Chart.Name (index . 0).Chart.Version }}
{{- with (index . 1).domain }}
marketplace.example/domain: {{ . }}
{{- end }}
{{- end }}

{{/* Labels of what belongs to the release as a whole. */}}
{{- define "marketplace.common" -}}
{{ include "marketplace.labels" (list . (dict "name" "marketplace" "kind" "release")) }}
{{- end }}

{{/* An image: (list $root $over), where what $over sets goes over the release's. */}}
{{- define "marketplace.image" -}}
{{- $root := index . 0 }}
{{- $over := index . 1 }}
{{- $digest := $over.digest | default (ternary "" $root.Values.image.digest (not (not $over.tag))) }}
{{- $repository := $over.repository | default $root.Values.image.repository }}
{{- if $digest }}
{{- printf "%s@%s" $repository $digest }}
{{- else if $root.Values.image.requireDigest }}
{{- fail (printf "values: %s needs a digest (image.requireDigest): sha256:…" $repository) }}
{{- else }}
{{- printf "%s:%s" $repository ($over.tag | default $root.Values.image.tag | default $root.Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- define "marketplace.scheme" -}}
{{ ternary "https" "http" .Values.tls.enabled }}
{{- end }}
