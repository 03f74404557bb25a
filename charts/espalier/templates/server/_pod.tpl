{{/* The pod of a server, of the StatefulSet and of the Deployment. */}}
{{- define "espalier.serverPod" -}}
{{- $of := dict "root" . "component" "server" -}}
{{- $postgres := include "espalier.isPostgres" . -}}
{{ include "espalier.podMetadata" (merge (dict "checksum" (include "espalier.serverChecksum" .)) $of) }}
spec:
  {{- include "espalier.podHead" (merge (dict "account" (include "espalier.serviceAccount" $of) "token" (include "espalier.serverAsksKubernetes" .)) $of) | nindent 2 }}
  {{- include "espalier.placement" $of | nindent 2 }}
  {{- if or .Values.server.initContainers (include "espalier.bootstrapsInPod" .) }}
  initContainers:
    {{- with .Values.server.initContainers }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
    {{- if include "espalier.bootstrapsInPod" . }}
    # Here and not in a Job: the volume may be mounted on one machine alone.
    - name: bootstrap
      {{- include "espalier.containerHead" . | nindent 6 }}
      args:
        - bootstrap
        - --plan=/etc/espalier/bootstrap/plan.yaml
        - --data={{ include "espalier.data" . }}
        {{- include "espalier.bootstrapPassphrase" . | nindent 8 }}
        {{- if .Values.ledger.sqlite.migrate }}
        - --migrate
        {{- end }}
      {{- with .Values.bootstrap.resources }}
      resources:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      volumeMounts:
        - {name: plan, mountPath: /etc/espalier/bootstrap, readOnly: true}
        - {name: data, mountPath: /var/lib/espalier}
        {{- include "espalier.secretMounts" . | nindent 8 }}
    {{- end }}
  {{- end }}
  containers:
    - name: server
      {{- include "espalier.containerHead" . | nindent 6 }}
      args:
        - serve
        - --config=/etc/espalier/server/espalier.yaml
        - --log-format=json
        - --log-level={{ .Values.server.logLevel }}
        {{- with .Values.server.extraArgs }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
      {{- with .Values.server.extraEnv }}
      env:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      ports:
        - {name: https, containerPort: 8440}
        {{- if .Values.server.public.enabled }}
        - {name: public, containerPort: 8480}
        {{- end }}
      # A migration or a long chain of revocations may take its time before the first answer.
      startupProbe:
        httpGet: {path: /healthz, port: https, scheme: HTTPS}
        periodSeconds: 2
        failureThreshold: 90
      livenessProbe:
        httpGet: {path: /healthz, port: https, scheme: HTTPS}
        periodSeconds: 10
        timeoutSeconds: 5
      readinessProbe:
        httpGet: {path: /readyz, port: https, scheme: HTTPS}
        periodSeconds: 5
        timeoutSeconds: 5
      resources:
        {{- toYaml .Values.server.resources | nindent 8 }}
      volumeMounts:
        - {name: config, mountPath: /etc/espalier/server, readOnly: true}
        {{- if $postgres }}
        - {name: data, mountPath: {{ include "espalier.data" . }}}
        - {name: authorities, mountPath: {{ include "espalier.data" . }}/authorities, readOnly: true}
        {{- else }}
        - {name: data, mountPath: /var/lib/espalier}
        {{- end }}
        {{- if .Values.server.tls.secret }}
        - {name: tls, mountPath: /etc/espalier/tls, readOnly: true}
        {{- end }}
        {{- include "espalier.secretMounts" . | nindent 8 }}
        {{- with .Values.server.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    - name: config
      configMap: {name: {{ include "espalier.fullname" . }}-server}
    {{- if $postgres }}
    # Revocation lists and the API's own certificate, which are made anew where they are missing. In memory: the
    # certificate's key is never on the node's disk.
    - name: data
      emptyDir: {medium: Memory, sizeLimit: 256Mi}
    {{- include "espalier.keyVolume" . | nindent 4 }}
    {{- else }}
    {{- with .Values.ledger.sqlite.existingClaim }}
    - name: data
      persistentVolumeClaim: {claimName: {{ . }}}
    {{- end }}
    {{- if .Values.bootstrap.enabled }}
    - name: plan
      configMap: {name: {{ include "espalier.fullname" . }}-bootstrap}
    {{- end }}
    {{- end }}
    {{- if .Values.server.tls.secret }}
    - name: tls
      secret: {secretName: {{ .Values.server.tls.secret }}, defaultMode: 0440}
    {{- end }}
    {{- include "espalier.secretVolumes" . | nindent 4 }}
    {{- with .Values.server.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end -}}
