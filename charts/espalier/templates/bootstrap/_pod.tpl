{{/* The pod of the bootstrap beside PostgreSQL: first the owner makes or upgrades the tables, where it is given. */}}
{{- define "espalier.bootstrapPod" -}}
{{- $database := .Values.ledger.postgres -}}
{{ include "espalier.podHead" (dict "root" . "account" (printf "%s-bootstrap" (include "espalier.fullname" .)) "token" true) }}
restartPolicy: Never
{{- with .Values.server.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with .Values.server.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- if $database.owner.url }}
initContainers:
  - name: migrate
    {{- include "espalier.containerHead" . | nindent 4 }}
    args:
      - ledger
      - migrate
      - --ledger={{ include "espalier.ledgerUrl" (dict "root" . "url" $database.owner.url) }}
      {{- if $database.owner.passwordSecret.name }}
      - --ledger-password-file=/etc/espalier/owner/{{ $database.owner.passwordSecret.key }}
      {{- end }}
      - --grant-to={{ include "espalier.ledgerRole" . }}
    {{- with .Values.bootstrap.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
      {{- if $database.owner.passwordSecret.name }}
      - {name: owner, mountPath: /etc/espalier/owner, readOnly: true}
      {{- end }}
      {{- if $database.caSecret.name }}
      - {name: database-ca, mountPath: /etc/espalier/database-ca, readOnly: true}
      {{- end }}
{{- end }}
containers:
  - name: bootstrap
    {{- include "espalier.containerHead" . | nindent 4 }}
    args:
      - bootstrap
      - --plan=/etc/espalier/bootstrap/plan.yaml
      - --data={{ include "espalier.data" . }}
      - --ledger={{ include "espalier.ledgerUrl" (dict "root" . "url" $database.url) }}
      {{- if $database.passwordSecret.name }}
      - --ledger-password-file=/etc/espalier/database/{{ $database.passwordSecret.key }}
      {{- end }}
      {{- include "espalier.bootstrapPassphrase" . | nindent 6 }}
    {{- with .Values.bootstrap.resources }}
    resources:
      {{- toYaml . | nindent 6 }}
    {{- end }}
    volumeMounts:
      - {name: plan, mountPath: /etc/espalier/bootstrap, readOnly: true}
      - {name: data, mountPath: /var/lib/espalier}
      {{- include "espalier.secretMounts" . | nindent 6 }}
volumes:
  - name: plan
    configMap: {name: {{ include "espalier.fullname" . }}-bootstrap}
  # Keys pass through memory on their way into Secrets, and never through the node's disk.
  - name: data
    emptyDir: {medium: Memory, sizeLimit: 16Mi}
  {{- if and $database.owner.url $database.owner.passwordSecret.name }}
  - name: owner
    secret: {secretName: {{ $database.owner.passwordSecret.name }}, defaultMode: 0440}
  {{- end }}
  {{- include "espalier.secretVolumes" . | nindent 2 }}
{{- end -}}

{{/* The role in postgres://ROLE@HOST/DATABASE. */}}
{{- define "espalier.ledgerRole" -}}
{{- (urlParse .Values.ledger.postgres.url).userinfo -}}
{{- end -}}
