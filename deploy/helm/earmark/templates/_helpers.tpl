{{- define "earmark.name" -}}
{{ printf "%s-%s" .root.Release.Name .component | trunc 50 | trimSuffix "-" }}
{{- end }}

{{- define "earmark.selector" -}}
app.kubernetes.io/name: earmark
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- define "earmark.metadata" -}}
name: {{ include "earmark.name" . }}
namespace: {{ .root.Release.Namespace }}
labels:
  {{- include "earmark.selector" . | nindent 2 }}
  app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
  app.kubernetes.io/managed-by: {{ .root.Release.Service }}
  {{- with .labels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- /* What every pod of ours has: nobody's rights, no token, no variables of other services. */}}
{{- define "earmark.pod" -}}
serviceAccountName: {{ include "earmark.name" (dict "root" .root "component" "earmark") }}
automountServiceAccountToken: false
{{- /* the addresses of services would come as EARMARK_* variables, as our settings do */}}
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* The begin of every container: image, rights, environment, folders. */}}
{{- define "earmark.container" -}}
image: {{ printf "%s:%s" (.repository | default .root.Values.image.repository) (.root.Values.image.tag | default .root.Chart.AppVersion) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
env:
  - {name: EARMARK_CONFIG, value: /etc/earmark/earmark.toml}
  - {name: EARMARK_HOME, value: /var/lib/earmark}
  - {name: EARMARK_KAFKA__BOOTSTRAP_SERVERS, value: {{ .root.Values.kafka.bootstrapServers | quote }}}
  - {name: EARMARK_KAFKA__GROUP_ID, value: {{ .root.Values.kafka.groupId | quote }}}
  - {name: EARMARK_KAFKA__PARTITIONS, value: {{ .root.Values.kafka.partitions | quote }}}
  - {name: EARMARK_KAFKA__REPLICATION_FACTOR, value: {{ .root.Values.kafka.replicationFactor | quote }}}
  # a pod of a set has the name that it had before: its transactions are its own again
  - name: EARMARK_KAFKA__SLOT
    valueFrom: {fieldRef: {fieldPath: metadata.name}}
  {{- with (index .root.Values .component).kafkaSecret | default .root.Values.kafka.secret }}
  - name: EARMARK_KAFKA__CLIENT
    valueFrom: {secretKeyRef: {name: {{ . }}, key: client}}
  {{- end }}
  - {name: EARMARK_REGISTRY__URL, value: {{ .root.Values.registry.url | quote }}}
  {{- with .root.Values.registry.secret }}
  - name: EARMARK_REGISTRY__USERNAME
    valueFrom: {secretKeyRef: {name: {{ . }}, key: username}}
  - name: EARMARK_REGISTRY__PASSWORD
    valueFrom: {secretKeyRef: {name: {{ . }}, key: password}}
  {{- end }}
  {{- with .env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
  {{- with .root.Values.env }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
volumeMounts:
  - {name: config, mountPath: /etc/earmark, readOnly: true}
  - {name: home, mountPath: /var/lib/earmark}
  - {name: tmp, mountPath: /tmp}
  {{- with .mounts }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}

{{- define "earmark.volumes" -}}
- name: config
  configMap: {name: {{ include "earmark.name" (dict "root" .root "component" "config") }}}
- {name: tmp, emptyDir: {}}
{{- end }}

{{- define "earmark.claim" -}}
- metadata: {name: home}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .className }}
    storageClassName: {{ . }}
    {{- end }}
    resources: {requests: {storage: {{ .size }}}}
{{- end }}

{{- /* Healthy at once, ready when models are loaded and the group is joined. */}}
{{- define "earmark.probes" -}}
ports:
  - {name: http, containerPort: 8080}
startupProbe:
  httpGet: &asked
    path: {{ .ready }}
    port: http
    {{- with .host }}
    httpHeaders: [{name: Host, value: {{ . }}}]
    {{- end }}
  periodSeconds: 5
  failureThreshold: 120
livenessProbe:
  httpGet:
    path: /healthz
    port: http
    {{- with .host }}
    httpHeaders: [{name: Host, value: {{ . }}}]
    {{- end }}
  periodSeconds: 10
  timeoutSeconds: 5
readinessProbe:
  httpGet: *asked
  periodSeconds: 10
  timeoutSeconds: 5
{{- end }}

{{- /* An address that changes with the configuration starts the pods anew. */}}
{{- define "earmark.checksum" -}}
checksum/config: {{ .root.Values.config | sha256sum }}
{{- end }}
