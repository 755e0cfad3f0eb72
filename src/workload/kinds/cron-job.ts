import type { Field } from '../field.js';
import type { KindReading } from '../workload.js';
import { readJobPods } from './job.js';
import type { WorkloadKind } from './workload-kind.js';

/** Each run of a CronJob is a Job of its own; what is said here holds for one of them. */
export const cronJob: WorkloadKind = {
  apiGroup: 'batch',
  kind: 'CronJob',
  versions: ['v1', 'v1beta1'],
  resource: 'cronjobs',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    return {
      podSets: [readJobPods(spec.get('jobTemplate', 'spec'), { name: 'main', role: 'main' })],
      gangSize: null,
      suspended: spec.get('suspend').flag(),
      purpose: 'training',
    };
  },
};
