{{/* Names and labels. A component is "server", "issuer", "bootstrap" or "test". */}}

{{- define "espalier.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{/* At most 40 characters, so that what stands behind it fits into the 63 of a label. */}}
{{- define "espalier.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- $name := include "espalier.name" . -}}
{{- if contains $name .Release.Name -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}
{{- end -}}

{{/* Of (dict "root" $ "component" "server"): what selectors have. It never changes. */}}
{{- define "espalier.selector" -}}
app.kubernetes.io/name: {{ include "espalier.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "espalier.labels" -}}
{{ include "espalier.selector" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: espalier
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{/* Of (dict "root" $ "component" … "name" …, "annotations" …, "namespace" …): metadata of an object of a namespace, the
release's unless told. */}}
{{- define "espalier.metadata" -}}
metadata:
  name: {{ .name }}
  namespace: {{ default .root.Release.Namespace .namespace }}
  {{- include "espalier.described" . | nindent 2 }}
{{- end -}}

{{/* The same of an object of the whole cluster: the namespace is in its name, two releases have one each. */}}
{{- define "espalier.clusterMetadata" -}}
metadata:
  name: {{ include "espalier.clusterName" . }}
  {{- include "espalier.described" . | nindent 2 }}
{{- end -}}

{{- define "espalier.clusterName" -}}
{{ printf "%s:%s" .root.Release.Namespace .name }}
{{- end -}}

{{- define "espalier.described" -}}
labels:
  {{- include "espalier.labels" . | nindent 2 }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- with mergeOverwrite (dict) .root.Values.commonAnnotations (.annotations | default dict) }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "espalier.image" -}}
{{- $image := .Values.image -}}
{{- $name := $image.repository -}}
{{- with .Values.imageRegistry }}{{ $name = printf "%s/%s" (trimSuffix "/" .) $name }}{{ end -}}
{{- if $image.digest -}}
{{ $name }}@{{ $image.digest }}
{{- else -}}
{{ $name }}:{{ default .Chart.AppVersion $image.tag }}
{{- end -}}
{{- end -}}

{{/* Of (dict "root" $ "component" "server"): the service account that a component runs as. */}}
{{- define "espalier.serviceAccount" -}}
{{- $account := (index .root.Values .component).serviceAccount -}}
{{- $own := printf "%s-%s" (include "espalier.fullname" .root) .component -}}
{{- if $account.create }}{{ default $own $account.name }}{{ else }}{{ default "default" $account.name }}{{ end -}}
{{- end -}}

{{/* The account is where PQClusterIssuers may name it. */}}
{{- define "espalier.requester" -}}
{{ include "espalier.fullname" . }}-requester
{{- end -}}

{{/* The ConfigMap with the certificates of authorities. The bootstrap makes it; whoever has none makes it by hand. */}}
{{- define "espalier.trust" -}}
{{ include "espalier.fullname" . }}-trust
{{- end -}}

{{/* Whether its ca.crt, by which the API is trusted, is published by the bootstrap. */}}
{{- define "espalier.publishesTrust" -}}
{{- if and .Values.bootstrap.enabled (not .Values.server.tls.secret) }}true{{ end -}}
{{- end -}}

{{/* The host by which pods reach the server. */}}
{{- define "espalier.host" -}}
{{ include "espalier.fullname" . }}-server.{{ .Release.Namespace }}.svc
{{- end -}}

{{- define "espalier.url" -}}
https://{{ include "espalier.host" . }}:{{ .Values.server.service.port }}
{{- end -}}
