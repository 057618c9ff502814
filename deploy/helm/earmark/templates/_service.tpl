{{- /* Its address, and what scrapes it where it has metrics: the alert rules know that by `job`. */}}
{{- define "earmark.service" }}
---
apiVersion: v1
kind: Service
metadata:
  {{- $labels := dict }}
  {{- if .job }}{{ $_ := set $labels "prometheus-job" .job }}{{ end }}
  {{- include "earmark.metadata" (merge (dict "labels" $labels) .) | nindent 2 }}
spec:
  clusterIP: None
  selector:
    {{- include "earmark.selector" . | nindent 4 }}
  ports:
    - {name: http, port: 8080, targetPort: http}
{{- if and .job .root.Values.serviceMonitor.enabled }}
---
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "earmark.metadata" (merge (dict "labels" .root.Values.serviceMonitor.labels) .) | nindent 2 }}
spec:
  jobLabel: prometheus-job
  selector:
    matchLabels:
      {{- include "earmark.selector" . | nindent 6 }}
  endpoints:
    - port: http
      path: /metrics
      interval: {{ .root.Values.serviceMonitor.interval }}
{{- end }}
{{- end }}

{{- define "earmark.budget" }}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "earmark.metadata" . | nindent 2 }}
spec:
  maxUnavailable: 1
  selector:
    matchLabels:
      {{- include "earmark.selector" . | nindent 6 }}
{{- end }}
