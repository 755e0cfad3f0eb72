/** Annotation of a pod: how long it runs until its work is done, such as `5s`. Without it, a pod runs on. */
export const RUNS_FOR = 'test.plimsoll.dev/runs-for';

const FAKE_VERSION = 'v0.0.0-fake';

const runsFor = `.metadata.annotations["${RUNS_FOR}"]`;
const isAlive = { key: '.metadata.deletionTimestamp', operator: 'DoesNotExist' };
const isDeleted = { key: '.metadata.deletionTimestamp', operator: 'Exists' };
const inPhase = (phase: string): object => ({ key: '.status.phase', operator: 'In', values: [phase] });

/** The status of every container of a pod, in the template language of kwok. */
const containersAre = (state: string): string => `
containerStatuses:
{{ range .spec.containers }}
- name: {{ .name | Quote }}
  image: {{ .image | Quote }}
  ready: false
  restartCount: 0
  state: ${state}
{{ end }}`;

/** What happens to nodes or pods that match, after a delay. */
interface Stage {
  name: string;
  of: 'Node' | 'Pod';
  when: readonly object[];
  delay?: object;
  next: object;
}

/** What kubelets do to pods, as far as anybody looks: run them, end those that say when, let deleted ones go. */
const STAGES: readonly Stage[] = [
  {
    // kwok only runs pods of nodes that it has a stage for.
    name: 'node-is-known',
    of: 'Node',
    when: [{ key: '.status.nodeInfo.kubeletVersion', operator: 'NotIn', values: [FAKE_VERSION] }],
    next: { statusTemplate: `nodeInfo: {kubeletVersion: ${FAKE_VERSION}}` },
  },
  {
    name: 'pod-runs',
    of: 'Pod',
    when: [isAlive, inPhase('Pending')],
    next: {
      statusTemplate: `{{ $now := Now }}
phase: Running
startTime: {{ $now | Quote }}
${containersAre('{running: {startedAt: {{ $now | Quote }}}}')}`,
    },
  },
  {
    name: 'pod-is-done',
    of: 'Pod',
    when: [isAlive, inPhase('Running'), { key: runsFor, operator: 'Exists' }],
    delay: { durationFrom: { expressionFrom: runsFor } },
    next: {
      statusTemplate: `{{ $now := Now }}
phase: Succeeded
${containersAre('{terminated: {exitCode: 0, reason: Completed, finishedAt: {{ $now | Quote }}}}')}`,
    },
  },
  { name: 'pod-goes', of: 'Pod', when: [isDeleted], next: { finalizers: { empty: true }, delete: true } },
];

const objectOf = ({ name, of, when, delay, next }: Stage): object => ({
  apiVersion: 'kwok.x-k8s.io/v1alpha1',
  kind: 'Stage',
  metadata: { name },
  spec: { resourceRef: { apiGroup: 'v1', kind: of }, selector: { matchExpressions: when }, delay, next },
});

/** The file that the fake kubelets read. */
export const STAGES_FILE = 'stages.yaml';

/** Its text: JSON, which is YAML as well. */
export const stagesText = (): string => STAGES.map((stage) => JSON.stringify(objectOf(stage))).join('\n---\n');
