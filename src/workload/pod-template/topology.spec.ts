import { describe, expect, it } from '@jest/globals';
import { read, template } from '../../../test/builders/objects.js';
import type { JsonObject, Workload } from '../workload.js';

const RACK = 'topology.kubernetes.io/rack';
const KUEUE = 'kueue.x-k8s.io/podset-required-topology';

const rules = ({ podSets }: Workload) => podSets.map(({ placement }) => placement.topology ?? []);
const job = (podTemplate: JsonObject): Workload =>
  read('batch/v1', 'Job', { spec: { parallelism: 4, template: podTemplate } });
const affinity = (kind: string, selector: JsonObject, labels: JsonObject): Workload => {
  const { spec } = template(8) as { spec: JsonObject };
  const required = [{ topologyKey: RACK, labelSelector: selector }];
  const tied = { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: required } };
  return job({ metadata: { labels }, spec: { ...spec, affinity: tied } });
};
const annotated = (annotations: JsonObject): Workload => job({ ...template(8), metadata: { annotations } });

describe('what ties pods to each other', () => {
  it('is nothing where nothing says so, or only prefers it', () => {
    expect(rules(job(template(8)))).toEqual([[]]);
    expect(rules(annotated({ 'kueue.x-k8s.io/podset-preferred-topology': RACK }))).toEqual([[]]);
  });

  it.each([KUEUE, 'kai.scheduler/topology-required-placement'])('is the domain of the annotation %s', (name) => {
    expect(rules(annotated({ [name]: RACK }))).toEqual([
      [{ key: RACK, podsPerGroup: 4, exclusive: false, atOnce: true }],
    ]);
  });

  it('is an affinity to their own kind, and an anti-affinity', () => {
    const own = { matchLabels: { app: 'sft' } };
    expect(rules(affinity('podAffinity', own, { app: 'sft' }))).toEqual([
      [{ key: RACK, podsPerGroup: 4, exclusive: false, atOnce: false }],
    ]);
    expect(rules(affinity('podAntiAffinity', own, { app: 'sft' }))).toEqual([
      [{ key: RACK, podsPerGroup: 1, exclusive: true, atOnce: false }],
    ]);
    const byName = { matchLabels: { 'job-name': 'w' } };
    expect(rules(affinity('podAntiAffinity', byName, {}))[0]).toHaveLength(1);
    const listed = { matchExpressions: [{ key: 'app', operator: 'In', values: ['sft', 'dpo'] }] };
    expect(rules(affinity('podAffinity', listed, { app: 'dpo' }))[0]).toHaveLength(1);
  });

  it('is not an affinity to others', () => {
    expect(rules(affinity('podAffinity', { matchLabels: { app: 'cache' } }, { app: 'sft' }))).toEqual([[]]);
    const others = { matchExpressions: [{ key: 'app', operator: 'NotIn', values: ['sft'] }] };
    expect(rules(affinity('podAntiAffinity', others, { app: 'sft' }))).toEqual([[]]);
  });

  it('is the domain that each Job of a JobSet has for itself', () => {
    const replicated = { name: 'workers', replicas: 3, template: { spec: { parallelism: 2, template: template(8) } } };
    const annotations = { 'alpha.jobset.sigs.k8s.io/exclusive-topology': RACK };
    const body = { metadata: { name: 'w', annotations }, spec: { replicatedJobs: [replicated] } };
    expect(rules(read('jobset.x-k8s.io/v1alpha2', 'JobSet', body))).toEqual([
      [{ key: RACK, podsPerGroup: 2, exclusive: true, atOnce: true }],
    ]);
  });

  it('is the domain that each group of a LeaderWorkerSet has for itself', () => {
    const annotations = { 'leaderworkerset.sigs.k8s.io/exclusive-topology': RACK };
    const leaderWorkerTemplate = { size: 4, workerTemplate: template(8) };
    const body = { metadata: { name: 'w', annotations }, spec: { replicas: 2, leaderWorkerTemplate } };
    expect(rules(read('leaderworkerset.x-k8s.io/v1', 'LeaderWorkerSet', body))).toEqual([
      [{ key: RACK, podsPerGroup: 1, exclusive: true, atOnce: true }],
      [{ key: RACK, podsPerGroup: 3, exclusive: true, atOnce: true }],
    ]);
  });
});
