{{/* The issuer's configuration: what the values say by name, and `issuer.config` over it. */}}
{{- define "espalier.issuerConfig" -}}
{{- $config := dict "version" 1 "listen" "0.0.0.0:8081" "cluster_resource_namespace" .Release.Namespace -}}
{{- $_ := set $config "leader_election" (dict "lease_name" (printf "%s-issuer" (include "espalier.fullname" .))) -}}
{{- $_ := set $config "log" (dict "format" "json" "level" .Values.issuer.logLevel) -}}
{{- if .Values.issuer.signingRequests.enabled }}{{ $_ := set $config "controllers" (list "certificate-requests" "certificate-signing-requests") }}{{ end -}}
{{- if and .Values.server.enabled (not (hasKey (.Values.issuer.config.policies | default dict) "trust_bundle")) -}}
{{- $roots := dict "namespace" .Release.Namespace "name" (include "espalier.trust" .) "key" "roots.crt" -}}
{{- $_ := set $config "policies" (dict "trust_bundle" (dict "config_map" $roots)) -}}
{{- end -}}
{{- mergeOverwrite $config (deepCopy .Values.issuer.config) | toYaml -}}
{{- end -}}

{{/* Where the credentials of PQClusterIssuers are; whatever says so, this is what the program does. */}}
{{- define "espalier.issuerNamespace" -}}
{{- (include "espalier.issuerConfig" . | fromYaml).cluster_resource_namespace -}}
{{- end -}}

{{/* Whether they are beside the server, its requester and its trust. */}}
{{- define "espalier.issuerIsHere" -}}
{{- if eq .Release.Namespace (include "espalier.issuerNamespace" .) }}true{{ end -}}
{{- end -}}

{{/* Whether Kubernetes' own CertificateSigningRequests are answered; whatever says so, the rights follow. */}}
{{- define "espalier.signsSigningRequests" -}}
{{- if has "certificate-signing-requests" (include "espalier.issuerConfig" . | fromYaml).controllers }}true{{ end -}}
{{- end -}}

{{- define "espalier.issuerLease" -}}
{{- (include "espalier.issuerConfig" . | fromYaml).leader_election.lease_name -}}
{{- end -}}

{{/* Where the published roots are, as JSON: whatever says so, the rights follow. */}}
{{- define "espalier.issuerBundle" -}}
{{- ((include "espalier.issuerConfig" . | fromYaml).policies | default dict).trust_bundle | default dict | toJson -}}
{{- end -}}
