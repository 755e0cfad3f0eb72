import { job } from './kinds/job.js';
import { pod } from './kinds/pod.js';
import { pytorchJob } from './kinds/pytorch-job.js';
import type { WorkloadKind } from './kinds/workload-kind.js';

/** Every kind that is read by its own rules. Adding one is a file in kinds/ and its name here. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [pod, job, pytorchJob];
