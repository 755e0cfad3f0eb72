import { appWrapper } from './kinds/app-wrapper.js';
import {
  argoClusterWorkflowTemplate,
  argoCronWorkflow,
  argoWorkflow,
  argoWorkflowTemplate,
} from './kinds/argo-workflow.js';
import { cronJob } from './kinds/cron-job.js';
import { deployment } from './kinds/deployment.js';
import { elasticJob } from './kinds/elastic-job.js';
import { jaxJob } from './kinds/jax-job.js';
import { jobSet } from './kinds/job-set.js';
import { job } from './kinds/job.js';
import { kaitoWorkspace } from './kinds/kaito-workspace.js';
import { kueueWorkload } from './kinds/kueue-workload.js';
import { leaderWorkerSet } from './kinds/leader-worker-set.js';
import { mpiJob } from './kinds/mpi-job.js';
import { paddleJob } from './kinds/paddle-job.js';
import { pod } from './kinds/pod.js';
import { pytorchJob } from './kinds/pytorch-job.js';
import { rayCluster } from './kinds/ray-cluster.js';
import { rayJob } from './kinds/ray-job.js';
import { statefulSet } from './kinds/stateful-set.js';
import { tfJob } from './kinds/tf-job.js';
import { trainJob } from './kinds/train-job.js';
import { clusterTrainingRuntime, trainingRuntime } from './kinds/training-runtime.js';
import { volcanoJob } from './kinds/volcano-job.js';
import type { WorkloadKind } from './kinds/workload-kind.js';
import { xgboostJob } from './kinds/xgboost-job.js';

/** Every kind that is read by its own rules. Adding one is a file in kinds/ and its name here. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  pod,
  job,
  cronJob,
  jobSet,
  pytorchJob,
  tfJob,
  mpiJob,
  xgboostJob,
  paddleJob,
  jaxJob,
  trainJob,
  trainingRuntime,
  clusterTrainingRuntime,
  rayJob,
  rayCluster,
  volcanoJob,
  leaderWorkerSet,
  appWrapper,
  kueueWorkload,
  argoWorkflow,
  argoCronWorkflow,
  argoWorkflowTemplate,
  argoClusterWorkflowTemplate,
  elasticJob,
  kaitoWorkspace,
  deployment,
  statefulSet,
];
