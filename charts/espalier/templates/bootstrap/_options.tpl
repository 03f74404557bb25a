{{- define "espalier.bootstrapPassphrase" -}}
{{- with .Values.keys.passphraseSecret -}}
{{- if .name -}}
- --passphrase-file=/etc/espalier/passphrase/{{ .key }}
{{- else -}}
- --no-passphrase
{{- end -}}
{{- end -}}
{{- end -}}

{{/* What the bootstrap makes, and whom it tells of it. No secret is in it. */}}
{{- define "espalier.bootstrapPlan" -}}
{{- $authorities := list -}}
{{- range .Values.bootstrap.authorities -}}
{{- $one := dict "name" .name "algorithm" .algorithm "subject" .subject -}}
{{- with .parent }}{{ $_ := set $one "parent" . }}{{ end -}}
{{- with .altAlgorithm }}{{ $_ := set $one "alt_algorithm" . }}{{ end -}}
{{- with .days }}{{ $_ := set $one "days" (int .) }}{{ end -}}
{{- $authorities = append $authorities $one -}}
{{- end -}}
{{- $api := list -}}
{{- range .Values.server.tls.issued }}{{ $api = append $api .authority }}{{ end -}}
{{- $roots := list -}}
{{- range .Values.bootstrap.authorities }}{{ if not .parent }}{{ $roots = append $roots .name }}{{ end }}{{ end -}}
{{- $files := dict "roots.crt" $roots -}}
{{- if not .Values.server.tls.secret }}{{ $_ := set $files "ca.crt" (uniq $api) }}{{ end -}}
{{- $kubernetes := dict "trust" (dict "config_map" (include "espalier.trust" .) "files" $files) -}}
{{- if include "espalier.isPostgres" . -}}
{{- $_ := set $kubernetes "key_secrets" (printf "%s-authority-" (include "espalier.fullname" .)) -}}
{{- end -}}
{{- dict "version" 1 "authorities" $authorities "kubernetes" $kubernetes | toYaml -}}
{{- end -}}
