import { randomUUID } from 'node:crypto';
import type { JsonObject } from '../../../src/workload/workload.js';

/** Trainings that differ; each is asked about over and over. */
const SHAPES = 20;
const CLUSTER_USER = { username: 'alice@example.com', groups: ['research', 'system:authenticated'] };

/** Reviews as the API server writes them: key order, defaults, managed fields. */
function reviewOf(object: JsonObject): Buffer {
  const gvk = { group: 'batch', version: 'v1', kind: 'Job' };
  const gvr = { group: 'batch', version: 'v1', resource: 'jobs' };
  const { name, namespace } = object['metadata'] as { name: string; namespace: string };
  const request = {
    uid: randomUUID(),
    kind: gvk,
    resource: gvr,
    requestKind: gvk,
    requestResource: gvr,
    name,
    namespace,
    operation: 'CREATE',
    userInfo: CLUSTER_USER,
    object,
    oldObject: null,
    dryRun: false,
    options: { kind: 'CreateOptions', apiVersion: 'meta.k8s.io/v1', fieldManager: 'kubectl-client-side-apply' },
  };
  return Buffer.from(JSON.stringify({ kind: 'AdmissionReview', apiVersion: 'admission.k8s.io/v1', request }));
}

interface JobOf {
  name: string;
  batch: number;
  blockSize: number;
  trial?: string;
}

function jobOf({ name, batch, blockSize, trial }: JobOf): JsonObject {
  const command =
    'python run_clm.py --model_name_or_path gpt2 --dataset_name wikitext --dataset_config_name wikitext-2-raw-v1 ' +
    `--per_device_train_batch_size ${batch} --block_size ${blockSize} --fp16 --do_train --output_dir /out`;
  const labels = { app: 'clm', ...(trial !== undefined && { trial }) };
  const metadata = { name, namespace: 'research', creationTimestamp: null, labels, managedFields: managedFields() };
  const container = {
    name: 'train',
    image: 'huggingface/transformers-pytorch-gpu:4.46.0',
    command: ['bash', '-c'],
    args: [command],
    env: [
      { name: 'HF_HOME', value: '/cache' },
      { name: 'WANDB_MODE', value: 'offline' },
    ],
    resources: {
      limits: { cpu: '8', memory: '64Gi', 'nvidia.com/gpu': '1' },
      requests: { cpu: '8', memory: '64Gi', 'nvidia.com/gpu': '1' },
    },
    volumeMounts: [{ name: 'cache', mountPath: '/cache' }],
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: 'IfNotPresent',
  };
  const spec = {
    volumes: [{ name: 'cache', persistentVolumeClaim: { claimName: 'cache' } }],
    containers: [container],
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    securityContext: {},
    schedulerName: 'default-scheduler',
  };
  const template = { metadata: { creationTimestamp: null, labels }, spec };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata,
    spec: { parallelism: 1, completions: 1, backoffLimit: 6, template, completionMode: 'NonIndexed', suspend: false },
    status: {},
  };
}

function managedFields(): JsonObject[] {
  const container = {
    '.': {},
    'f:args': {},
    'f:command': {},
    'f:env': {},
    'f:image': {},
    'f:name': {},
    'f:resources': {},
  };
  const spec = { 'f:containers': { 'k:{"name":"train"}': container }, 'f:restartPolicy': {}, 'f:volumes': {} };
  const fieldsV1 = {
    'f:metadata': { 'f:labels': { '.': {}, 'f:app': {} } },
    'f:spec': { 'f:template': { 'f:spec': spec } },
  };
  const time = '2026-11-28T19:17:41Z';
  return [
    {
      manager: 'kubectl-client-side-apply',
      operation: 'Update',
      apiVersion: 'batch/v1',
      time,
      fieldsType: 'FieldsV1',
      fieldsV1,
    },
  ];
}

/** A text with fields of fixed width that are filled in anew for each request. */
class Template {
  readonly #bytes: Buffer;
  readonly #places: readonly (readonly number[])[];

  constructor(text: Buffer, fields: readonly string[]) {
    this.#bytes = text;
    this.#places = fields.map((field) => placesOf(text, field));
  }

  with(values: readonly string[]): Buffer {
    const filled = Buffer.from(this.#bytes);
    this.#places.forEach((places, field) => places.forEach((at) => filled.write(values[field]!, at, 'latin1')));
    return filled;
  }
}

function placesOf(text: Buffer, field: string): number[] {
  const places: number[] = [];
  for (let at = text.indexOf(field); at !== -1; at = text.indexOf(field, at + 1)) places.push(at);
  return places;
}

const NAME = 'trial-000000000';
const shape = (index: number): { batch: number; blockSize: number } => ({
  batch: 1 + (index % 8),
  blockSize: 256 + 64 * (index % 5),
});
const numbered = (index: number): string => `trial-${String(index % 1e9).padStart(9, '0')}`;

/** How reviews differ from each other. `uid` is another in each, as it always is. */
export const KINDS_OF_REVIEWS = {
  /** The same objects again and again: another mutating webhook had them called again, a dry run, a retry. */
  repeated: (): ((index: number) => Buffer) =>
    bodiesOf((index) => jobOf({ name: `train-${index}`, ...shape(index) }), []),
  /** No text was ever seen: other names, uids and labels, as in a sweep. What is trained is known. */
  'all different': (): ((index: number) => Buffer) =>
    bodiesOf((index) => jobOf({ name: NAME, trial: NAME, ...shape(index) }), [NAME]),
} as const;

/** No training was ever seen: each has to be estimated. */
export function coldReview(index: number): Buffer {
  const settings = { batch: 1 + (index % 64), blockSize: 128 + Math.floor(index / 64) };
  return reviewOf(jobOf({ name: `cold-${index}`, ...settings }));
}

function bodiesOf(job: (index: number) => JsonObject, fields: readonly string[]): (index: number) => Buffer {
  const templates = Array.from({ length: SHAPES }, (_, index) => {
    const text = reviewOf(job(index));
    return new Template(text, [uidIn(text), ...fields]);
  });
  const prefix = randomUUID().slice(0, 24);
  let count = 0;
  return (index) => {
    count += 1;
    const uid = prefix + count.toString(16).padStart(12, '0');
    return templates[index % SHAPES]!.with([uid, ...fields.map(() => numbered(count))]);
  };
}

const uidIn = (text: Buffer): string => /"uid":"([^"]{36})"/.exec(text.toString())![1]!;
