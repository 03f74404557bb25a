{{- define "espalier.bootstrapPassphrase" -}}
{{- with .Values.keys.passphraseSecret -}}
{{- if .name -}}
- --passphrase-file=/etc/espalier/passphrase/{{ .key }}
{{- else -}}
- --no-passphrase
{{- end -}}
{{- end -}}
{{- end -}}

{{/* The version of ClusterTrustBundle in which the roots are published; empty where the API server has none. */}}
{{- define "espalier.bundleVersion" -}}
{{- if and .Values.server.enabled .Values.bootstrap.enabled .Values.bootstrap.clusterTrustBundle -}}
{{- $known := .Capabilities.APIVersions -}}
{{- if $known.Has "certificates.k8s.io/v1/ClusterTrustBundle" -}}v1
{{- else if $known.Has "certificates.k8s.io/v1beta1/ClusterTrustBundle" -}}v1beta1
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Its name: it is the whole cluster's, and a colon would make it a signer's. */}}
{{- define "espalier.bundle" -}}
{{ .Release.Namespace }}.{{ include "espalier.trust" . }}
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
{{- $trust := dict "config_map" (include "espalier.trust" .) "files" $files -}}
{{- with include "espalier.bundleVersion" . -}}
{{- $_ := set $trust "cluster_trust_bundle" (dict "name" (include "espalier.bundle" $) "version" . "file" "roots.crt") -}}
{{- end -}}
{{- $kubernetes := dict "trust" $trust -}}
{{- if include "espalier.isPostgres" . -}}
{{- $_ := set $kubernetes "key_secrets" (printf "%s-authority-" (include "espalier.fullname" .)) -}}
{{- end -}}
{{- dict "version" 1 "authorities" $authorities "kubernetes" $kubernetes | toYaml -}}
{{- end -}}
