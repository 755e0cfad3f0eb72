import type { Count } from '../count.js';
import { smallest } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import type { KindReading, PodSet } from '../workload.js';
import type { WorkloadKind } from './workload-kind.js';

export const job: WorkloadKind = {
  apiGroup: 'batch',
  kind: 'Job',
  versions: ['v1'],
  resource: 'jobs',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    return {
      podSets: [readJobPods(spec, { name: 'main', role: 'main' })],
      gangSize: null,
      suspended: spec.get('suspend').flag(),
      purpose: 'training',
    };
  },
};

/** Reads the pods of a Job's spec, which CronJob, JobSet and TrainingRuntime embed. */
export function readJobPods(spec: Field, names: { name: string; role: string }): PodSet {
  return readPodSet(spec.get('template'), { ...names, replicas: jobPods(spec) });
}

/**
 * Pods of a Job at one time: `parallelism`, but never more than are left to complete. Without `completions` it is a work
 * queue of `parallelism` pods (batch/v1 JobSpec).
 */
export function jobPods(spec: Field): Count {
  const parallelism = spec.get('parallelism').count(1);
  const completions = spec.get('completions');
  return completions.present ? smallest(parallelism, completions.count(1)) : parallelism;
}
