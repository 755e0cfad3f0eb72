{{/* Generated from src/workload/kinds.ts by scripts/chart-rules.ts; a check keeps it up to date. */}}

{{- define "plimsoll.generated.webhookRules" -}}
- apiGroups:
    - ""
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - pods
  scope: "*"
- apiGroups:
    - batch
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - jobs
  scope: "*"
- apiGroups:
    - batch
  apiVersions:
    - v1
    - v1beta1
  operations:
    - CREATE
    - UPDATE
  resources:
    - cronjobs
  scope: "*"
- apiGroups:
    - jobset.x-k8s.io
  apiVersions:
    - v1alpha2
  operations:
    - CREATE
    - UPDATE
  resources:
    - jobsets
  scope: "*"
- apiGroups:
    - kubeflow.org
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - pytorchjobs
  scope: "*"
- apiGroups:
    - kubeflow.org
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - tfjobs
  scope: "*"
- apiGroups:
    - kubeflow.org
  apiVersions:
    - v2beta1
    - v1
    - v1alpha2
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - mpijobs
  scope: "*"
- apiGroups:
    - kubeflow.org
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - xgboostjobs
  scope: "*"
- apiGroups:
    - kubeflow.org
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - paddlejobs
  scope: "*"
- apiGroups:
    - kubeflow.org
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - jaxjobs
  scope: "*"
- apiGroups:
    - trainer.kubeflow.org
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - trainjobs
  scope: "*"
- apiGroups:
    - trainer.kubeflow.org
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - trainingruntimes
  scope: "*"
- apiGroups:
    - trainer.kubeflow.org
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - clustertrainingruntimes
  scope: "*"
- apiGroups:
    - ray.io
  apiVersions:
    - v1
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - rayjobs
  scope: "*"
- apiGroups:
    - ray.io
  apiVersions:
    - v1
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - rayclusters
  scope: "*"
- apiGroups:
    - batch.volcano.sh
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - jobs
  scope: "*"
- apiGroups:
    - leaderworkerset.x-k8s.io
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - leaderworkersets
  scope: "*"
- apiGroups:
    - workload.codeflare.dev
  apiVersions:
    - v1beta2
    - v1beta1
  operations:
    - CREATE
    - UPDATE
  resources:
    - appwrappers
  scope: "*"
- apiGroups:
    - kueue.x-k8s.io
  apiVersions:
    - v1beta2
    - v1beta1
  operations:
    - CREATE
    - UPDATE
  resources:
    - workloads
  scope: "*"
- apiGroups:
    - argoproj.io
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - workflows
  scope: "*"
- apiGroups:
    - argoproj.io
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - cronworkflows
  scope: "*"
- apiGroups:
    - argoproj.io
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - workflowtemplates
  scope: "*"
- apiGroups:
    - argoproj.io
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - clusterworkflowtemplates
  scope: "*"
- apiGroups:
    - elastic.iml.github.io
  apiVersions:
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - elasticjobs
  scope: "*"
- apiGroups:
    - kaito.sh
  apiVersions:
    - v1beta1
    - v1alpha1
  operations:
    - CREATE
    - UPDATE
  resources:
    - workspaces
  scope: "*"
- apiGroups:
    - apps
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - deployments
  scope: "*"
- apiGroups:
    - apps
  apiVersions:
    - v1
  operations:
    - CREATE
    - UPDATE
  resources:
    - statefulsets
  scope: "*"
{{- end }}

{{- define "plimsoll.generated.matchConditions" -}}
- name: no-child-pods
  expression: request.resource.resource != 'pods' || !request.userInfo.username.startsWith('system:') || !has(object.metadata.ownerReferences) || !object.metadata.ownerReferences.exists(o, has(o.controller) && o.controller && o.kind in ['Pod', 'Job', 'CronJob', 'JobSet', 'PyTorchJob', 'TFJob', 'MPIJob', 'XGBoostJob', 'PaddleJob', 'JAXJob', 'TrainJob', 'TrainingRuntime', 'ClusterTrainingRuntime', 'RayJob', 'RayCluster', 'LeaderWorkerSet', 'AppWrapper', 'Workload', 'Workflow', 'CronWorkflow', 'WorkflowTemplate', 'ClusterWorkflowTemplate', 'ElasticJob', 'Workspace', 'Deployment', 'StatefulSet', 'ReplicaSet', 'ReplicationController', 'DaemonSet', 'Node'])
{{- end }}

{{- define "plimsoll.generated.workloadRules" -}}
- apiGroups:
    - ""
  resources:
    - pods
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - apps
  resources:
    - deployments
    - statefulsets
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - argoproj.io
  resources:
    - clusterworkflowtemplates
    - cronworkflows
    - workflows
    - workflowtemplates
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - batch
  resources:
    - cronjobs
    - jobs
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - batch.volcano.sh
  resources:
    - jobs
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - elastic.iml.github.io
  resources:
    - elasticjobs
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - jobset.x-k8s.io
  resources:
    - jobsets
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - kaito.sh
  resources:
    - workspaces
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - kubeflow.org
  resources:
    - jaxjobs
    - mpijobs
    - paddlejobs
    - pytorchjobs
    - tfjobs
    - xgboostjobs
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - kueue.x-k8s.io
  resources:
    - workloads
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - leaderworkerset.x-k8s.io
  resources:
    - leaderworkersets
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - ray.io
  resources:
    - rayclusters
    - rayjobs
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - trainer.kubeflow.org
  resources:
    - clustertrainingruntimes
    - trainingruntimes
    - trainjobs
  verbs:
    - list
    - watch
    - patch
- apiGroups:
    - workload.codeflare.dev
  resources:
    - appwrappers
  verbs:
    - list
    - watch
    - patch
{{- end }}

{{- define "plimsoll.generated.ownAnnotations" -}}
"['plimsoll.dev/verdict','plimsoll.dev/memory','plimsoll.dev/capacity','plimsoll.dev/observed','plimsoll.dev/advice','plimsoll.dev/assessment']"
{{- end }}
