{{/* What all pods have in common: nobody is root, nothing is written but what is mounted, no capability is left. That is
Kubernetes's pod security standard "restricted", and a read-only root beside it. */}}

{{- define "espalier.podSecurity" -}}
securityContext:
  runAsNonRoot: true
  runAsUser: 65532
  runAsGroup: 65532
  fsGroup: 65532
  # A volume with many files is not gone through at each start.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- end -}}

{{- define "espalier.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{/* Of (dict "root" $ "component" "server" "token" true): the head of a pod's spec. */}}
{{- define "espalier.podHead" -}}
serviceAccountName: {{ .account }}
{{- if .token }}
automountServiceAccountToken: true
{{- else }}
# It asks the API server of Kubernetes nothing.
automountServiceAccountToken: false
{{- end }}
# Environment variables for every Service of the namespace are of no use here.
enableServiceLinks: false
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{ include "espalier.podSecurity" . }}
{{- end -}}

{{- define "espalier.containerHead" -}}
image: {{ include "espalier.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
{{ include "espalier.containerSecurity" . }}
{{- end -}}

{{/* Of (dict "root" $ "component" "server"): where its pods may run. */}}
{{- define "espalier.placement" -}}
{{- $of := index .root.Values .component -}}
{{- with $of.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $of.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $of.affinity }}
affinity:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $of.topologySpreadConstraints }}
topologySpreadConstraints:
  {{- $labels := include "espalier.selector" . | fromYaml }}
  {{- range $of.topologySpreadConstraints }}
  - {{- ternary . (merge (dict "labelSelector" (dict "matchLabels" $labels)) .) (hasKey . "labelSelector") | toYaml | nindent 4 }}
  {{- end }}
{{- end }}
{{- with $of.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ $of.terminationGracePeriodSeconds }}
{{- end -}}

{{/* Of (dict "root" $ "component" "server"): labels and annotations of its pods. */}}
{{- define "espalier.podMetadata" -}}
{{- $of := index .root.Values .component -}}
metadata:
  labels:
    {{- include "espalier.labels" . | nindent 4 }}
    {{- with $of.podLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  annotations:
    # Pods are made anew for what a running process does not take over by itself.
    checksum/config: {{ .checksum }}
    {{- with mergeOverwrite (dict) .root.Values.commonAnnotations $of.podAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}

{{/* Of (dict "root" $ "component" …): the names of the cluster, for egress by networkPolicy. */}}
{{- define "espalier.egress" -}}
{{- $of := (index .root.Values .component).networkPolicy -}}
# Names.
- ports:
    - {port: 53, protocol: UDP}
    - {port: 53, protocol: TCP}
# The API server of Kubernetes, which has no labels to select it by.
- ports:
    {{- range $of.apiServerPorts }}
    - {port: {{ . }}, protocol: TCP}
    {{- end }}
{{- with $of.extraEgress }}
{{ toYaml . }}
{{- end }}
{{- end -}}
