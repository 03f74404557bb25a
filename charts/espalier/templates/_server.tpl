{{/* The server: where its ledger and its keys are, and its configuration. */}}

{{- define "espalier.data" -}}/var/lib/espalier/data{{- end -}}

{{- define "espalier.isPostgres" -}}
{{- if eq .Values.ledger.store "postgres" }}true{{ end -}}
{{- end -}}

{{- define "espalier.bootstrapsInPod" -}}
{{- if and .Values.bootstrap.enabled (not (include "espalier.isPostgres" .)) }}true{{ end -}}
{{- end -}}

{{/* The URL of (dict "url" … "root" $), with the CA that PostgreSQL's certificate must lead to. */}}
{{- define "espalier.ledgerUrl" -}}
{{- if .root.Values.ledger.postgres.caSecret.name -}}
{{- printf "%s%ssslrootcert=/etc/espalier/database-ca/%s" .url (contains "?" .url | ternary "&" "?") .root.Values.ledger.postgres.caSecret.key -}}
{{- else -}}
{{ .url }}
{{- end -}}
{{- end -}}

{{/* Whether the bootstrap, or another process of the pod, speaks to the API server of Kubernetes. */}}
{{- define "espalier.serverAsksKubernetes" -}}
{{- $config := include "espalier.serverConfig" . | fromYaml -}}
{{- if or (include "espalier.bootstrapsInPod" .) (dig "auth" "kubernetes" (list) $config) }}true{{ end -}}
{{- end -}}

{{/* The Secret of an authority's keys; of (dict "root" $ "name" "issuing"). */}}
{{- define "espalier.keySecret" -}}
{{- $given := index .root.Values.keys.secrets .name | default dict -}}
{{- default (printf "%s-authority-%s" (include "espalier.fullname" .root) .name) $given.name -}}
{{- end -}}

{{/* Whether an authority has a second key, for alternative signatures; of (dict "root" $ "name" "issuing"). */}}
{{- define "espalier.hasAltKey" -}}
{{- $name := .name -}}
{{- $given := index .root.Values.keys.secrets $name -}}
{{- if $given }}{{ if $given.altKey }}true{{ end }}
{{- else -}}
{{- range .root.Values.bootstrap.authorities }}{{ if and (eq .name $name) .altAlgorithm }}true{{ end }}{{ end -}}
{{- end -}}
{{- end -}}

{{- define "espalier.tls" -}}
{{- $tls := .Values.server.tls -}}
{{- $certificates := list -}}
{{- if $tls.secret -}}
{{- $certificates = list (dict "files" (dict "chain_file" "/etc/espalier/tls/tls.crt" "key_file" "/etc/espalier/tls/tls.key")) -}}
{{- else -}}
{{- $host := include "espalier.host" . -}}
{{- $names := concat (list $host (printf "%s.%s" $host .Values.cluster.domain)) $tls.extraNames -}}
{{- range $tls.issued -}}
{{- $certificates = append $certificates (dict "issued" (dict "authority" .authority "algorithm" .algorithm "names" $names)) -}}
{{- end -}}
{{- end -}}
{{- dict "certificates" $certificates | toYaml -}}
{{- end -}}

{{- define "espalier.auth" -}}
{{- $requester := .Values.server.requester -}}
{{- $match := dict "cluster" "this" "namespace" (include "espalier.issuerNamespace" .) "name" (include "espalier.requester" .) -}}
{{- $grant := dict "roles" (list "requester") "authorities" $requester.authorities "profiles" $requester.profiles "names" $requester.names "wildcards" $requester.wildcards "subject" $requester.subject -}}
kubernetes:
  - {{- dict "cluster" "this" "issuer" .Values.cluster.serviceAccountIssuer "audiences" (list $requester.audience) | toYaml | nindent 4 }}
requesters:
  - {{- dict "rule" "issuers-of-this-release" "match" (dict "service_account" $match) "grant" $grant | toYaml | nindent 4 }}
{{- end -}}

{{/* The whole configuration: what the values say by name, and `server.config` over it. */}}
{{- define "espalier.serverConfig" -}}
{{- $config := dict "version" 1 "data" (include "espalier.data" .) "listen" "0.0.0.0:8440" "authorities" .Values.server.authorities -}}
{{- $_ := set $config "tls" (include "espalier.tls" . | fromYaml) -}}
{{- if include "espalier.isPostgres" . -}}
{{- $_ := set $config "ledger" (include "espalier.ledgerUrl" (dict "root" . "url" .Values.ledger.postgres.url)) -}}
{{- if .Values.ledger.postgres.passwordSecret.name -}}
{{- $_ := set $config "ledger_password_file" (printf "/etc/espalier/database/%s" .Values.ledger.postgres.passwordSecret.key) -}}
{{- end -}}
{{- end -}}
{{- if .Values.keys.passphraseSecret.name -}}
{{- $_ := set $config "passphrase_file" (printf "/etc/espalier/passphrase/%s" .Values.keys.passphraseSecret.key) -}}
{{- end -}}
{{- if .Values.server.public.enabled -}}
{{- $_ := set $config "public" (dict "listen" "0.0.0.0:8480") -}}
{{- end -}}
{{- if .Values.server.requester.enabled -}}
{{- $_ := set $config "auth" (include "espalier.auth" . | fromYaml) -}}
{{- end -}}
{{- mergeOverwrite $config (deepCopy .Values.server.config) | toYaml -}}
{{- end -}}

{{/* Profiles, access and TLS are taken over by a server that runs (docs/server.md); for the rest it is started again.
Where the bootstrap is in its pod, another plan needs another pod: to make an authority, and to publish other trust. */}}
{{- define "espalier.serverChecksum" -}}
{{- $config := omit (include "espalier.serverConfig" . | fromYaml) "profiles" "auth" "tls" | toJson -}}
{{- $plan := "" -}}
{{- if include "espalier.bootstrapsInPod" . -}}
{{- $plan = include "espalier.bootstrapPlan" . -}}
{{- end -}}
{{- printf "%s%s" $config $plan | sha256sum | trunc 16 -}}
{{- end -}}

{{/* Volumes that the server and its bootstrap have in common: secrets that both read. */}}
{{- define "espalier.secretVolumes" -}}
{{- with .Values.keys.passphraseSecret }}{{ if .name }}
- name: passphrase
  secret: {secretName: {{ .name }}, defaultMode: 0440}
{{- end }}{{ end }}
{{- if include "espalier.isPostgres" . }}
{{- with .Values.ledger.postgres.passwordSecret }}{{ if .name }}
- name: database
  secret: {secretName: {{ .name }}, defaultMode: 0440}
{{- end }}{{ end }}
{{- with .Values.ledger.postgres.caSecret }}{{ if .name }}
- name: database-ca
  secret: {secretName: {{ .name }}, defaultMode: 0440}
{{- end }}{{ end }}
{{- end }}
{{- end -}}

{{- define "espalier.secretMounts" -}}
{{- if .Values.keys.passphraseSecret.name }}
- {name: passphrase, mountPath: /etc/espalier/passphrase, readOnly: true}
{{- end }}
{{- if include "espalier.isPostgres" . }}
{{- if .Values.ledger.postgres.passwordSecret.name }}
- {name: database, mountPath: /etc/espalier/database, readOnly: true}
{{- end }}
{{- if .Values.ledger.postgres.caSecret.name }}
- {name: database-ca, mountPath: /etc/espalier/database-ca, readOnly: true}
{{- end }}
{{- end }}
{{- end -}}

{{/* The keys of those authorities that the server signs with, and no others: PostgreSQL's form. */}}
{{- define "espalier.keyVolume" -}}
- name: authorities
  {{- if .Values.keys.volume }}
  {{- toYaml .Values.keys.volume | nindent 2 }}
  {{- else }}
  projected:
    defaultMode: 0440
    sources:
      {{- range $name := .Values.server.authorities }}
      - secret:
          name: {{ include "espalier.keySecret" (dict "root" $ "name" $name) }}
          items:
            - {key: key.pem, path: {{ $name }}/key.pem}
            {{- if include "espalier.hasAltKey" (dict "root" $ "name" $name) }}
            - {key: alt-key.pem, path: {{ $name }}/alt-key.pem}
            {{- end }}
      {{- end }}
  {{- end }}
{{- end -}}
