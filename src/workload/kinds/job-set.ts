import { asNodes, known, product, sum } from '../count.js';
import type { Count } from '../count.js';
import type { Field } from '../field.js';
import { readPodSet } from '../pod-template/pod-set.js';
import { exclusively } from '../pod-template/topology.js';
import type { KindReading, LaunchFacts } from '../workload.js';
import { jobPods } from './job.js';
import type { WorkloadKind } from './workload-kind.js';

/** Each child Job in a domain of its own (kubernetes-sigs/jobset, api/jobset/v1alpha2, ExclusiveKey). */
const EXCLUSIVE_TOPOLOGY = 'alpha.jobset.sigs.k8s.io/exclusive-topology';

/** One entry of `replicatedJobs`. */
export interface ReplicatedJob {
  name: string;
  pods: Count;
  podsPerJob: number;
  template: Field;
  /** Labels of the Job's template, by which other operators tell their steps apart. */
  labels: Readonly<Record<string, string>>;
  /** Label of nodes by which each Job has a domain of its own; left out: what the JobSet says. */
  topology?: string;
}

/** JobSet: every replicated job is `replicas` Jobs (default 1) of one template; all start together. */
export const jobSet: WorkloadKind = {
  apiGroup: 'jobset.x-k8s.io',
  kind: 'JobSet',
  versions: ['v1alpha2'],
  resource: 'jobsets',
  read(object: Field): KindReading {
    const spec = object.get('spec');
    const jobs = readReplicatedJobs(spec);
    const ofAll = object.get('metadata', 'annotations').textRecord()[EXCLUSIVE_TOPOLOGY];
    const podSets = jobs.map(({ name, pods, podsPerJob, template, topology = ofAll }) =>
      exclusively(
        readPodSet(template, { name, role: name, replicas: pods, launch: launchFacts(pods) }),
        topology,
        podsPerJob,
      ),
    );
    const gangSize = sum(...jobs.map(({ pods }) => pods)).value;
    return { podSets, gangSize, suspended: spec.get('suspend').flag(), purpose: 'training' };
  },
};

/** The replicated jobs of a JobSet's spec, which TrainingRuntime embeds. */
export function readReplicatedJobs(spec: Field): ReplicatedJob[] {
  const jobs = spec.get('replicatedJobs');
  const read = jobs.items().map((job) => {
    const jobSpec = job.get('template', 'spec');
    const pods = jobPods(jobSpec);
    const topology = job.get('template', 'metadata', 'annotations').textRecord()[EXCLUSIVE_TOPOLOGY];
    return {
      name: job.get('name').text() ?? '',
      pods: product(job.get('replicas').count(1), pods),
      podsPerJob: pods.value,
      template: jobSpec.get('template'),
      labels: job.get('template', 'metadata', 'labels').textRecord(),
      ...(topology === undefined ? {} : { topology }),
    };
  });
  if (read.length === 0) throw jobs.expected('a list with at least one replicated job');
  return read;
}

/** JobSet sets no variables of a framework; pods of one replicated job usually make one distributed run. */
function launchFacts(pods: Count = known(1)): Partial<LaunchFacts> {
  return asNodes(pods);
}
