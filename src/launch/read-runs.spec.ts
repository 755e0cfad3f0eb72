import { beforeAll, describe, expect, it } from '@jest/globals';
import { installedGrammars, job, manifest, readManifest, setting, settings } from '../../test/builders/launch.js';
import { RUN_FIELDS, settingAt, valuesOf } from '../run/fields.js';
import { runValuesSchema } from '../run/training-run.js';
import type { Grammars } from './grammars.js';
import type { RunReading } from './reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const first = (...args: Parameters<typeof job>): RunReading | undefined => readManifest(job(...args), grammars)[0];

describe('PyTorchJob', () => {
  const pytorchJob = (containers: string): string => `
apiVersion: kubeflow.org/v1
kind: PyTorchJob
metadata: {name: t}
spec:
  nprocPerNode: "2"
  pytorchReplicaSpecs:
    Master: {replicas: 1, template: {spec: {containers: [${containers}]}}}
    Worker: {replicas: 3, template: {spec: {containers: [${containers}]}}}
`;

  it('joins master and workers to one training', () => {
    const container =
      '{name: pytorch, command: [torchrun, train.py, --per_device_train_batch_size=4, --model_name_or_path=gpt2, "--fsdp=full_shard"], resources: {limits: {nvidia.com/gpu: 2}}}';
    const readings = readManifest(manifest(pytorchJob(container)), grammars);
    expect(readings.map(({ podSet }) => podSet)).toEqual(['master', 'worker']);
    for (const reading of readings)
      expect(settings(reading, 'nodes', 'processesPerNode', 'worldSize', 'parallelism.shardSize')).toEqual({
        nodes: 4,
        processesPerNode: 2,
        worldSize: 8,
        'parallelism.shardSize': 8,
      });
  });

  it('names what envsubst has left open, by field', () => {
    const yaml = pytorchJob(
      '{name: pytorch, command: [torchrun, "--nproc_per_node=$GPUS", train.py, --per_device_train_batch_size=$BS, --model_name_or_path=gpt2, "--fsdp=full_shard"], resources: {limits: {nvidia.com/gpu: $GPUS}}}',
    );
    const [reading] = readManifest(manifest(yaml), grammars);
    expect(reading?.unknown.map(({ field, declare }) => [field, declare])).toEqual([
      ['microBatchSize', 'microBatchSize: 4'],
      ['processesPerNode', 'processesPerNode: 8'],
    ]);
    expect(setting(reading, 'microBatchSize')).toMatchObject({ evidence: { kind: 'assumed' }, range: { low: 1 } });
  });
});

describe('settings in a pod without GPUs', () => {
  it('reads the command of an MPI launcher for its workers', () => {
    const [reading] = readManifest(
      manifest(`
apiVersion: kubeflow.org/v2beta1
kind: MPIJob
metadata: {name: t}
spec:
  slotsPerWorker: 2
  mpiReplicaSpecs:
    Launcher: {template: {spec: {containers: [{name: l, command: [mpirun, -np, "4", -x, "BS=8", -mca, btl, ^openib, python, run_clm.py], args: [--model_name_or_path, gpt2, --do_train]}]}}}
    Worker: {replicas: 2, template: {spec: {containers: [{name: w, resources: {limits: {nvidia.com/gpu: 2}}}]}}}
`),
      grammars,
    );
    expect(reading).toMatchObject({ podSet: 'worker', training: true });
    expect(settings(reading, 'worldSize', 'nodes', 'processesPerNode')).toEqual({
      worldSize: 4,
      nodes: 2,
      processesPerNode: 2,
    });
  });
});

describe('what does not train', () => {
  it.each([
    [['sleep', 'infinity'], 'not a training run: the container only sleeps'],
    [['nvidia-smi'], 'not a training run: the container only prints the state of the GPUs'],
    [
      ['python', '-m', 'vllm.entrypoints.openai.api_server', '--model', 'x'],
      'not a training run: the container serves a model (vLLM)',
    ],
    [['bash', '-c', 'echo hi; sleep 5'], 'not a training run: the container only sleeps'],
  ])('says so of %j', (command, reason) => {
    expect(first({ command })).toMatchObject({ training: false, run: null, notes: [reason] });
  });

  it('does not know a program that is baked into the image, and says what to declare', () => {
    const reading = first({ command: ['python', '/app/my_training.py', '--lr', '1'] });
    expect(reading).toMatchObject({ training: true, run: null });
    expect(reading?.unknown).toEqual([
      {
        field: 'program',
        reason: '/app/my_training.py is no program that is known here',
        declare: 'model: meta-llama/Llama-3.1-8B',
      },
    ]);
    expect(reading?.notes).toContain('/app/my_training.py is in the image');
  });
});

describe('plimsoll.dev/run', () => {
  const annotated = (yaml: string, command = ['python', '/app/mine.py']): RunReading | undefined =>
    first({ command, annotations: { 'plimsoll.dev/run': yaml } });

  it('settles a program that is not known', () => {
    const reading = annotated(
      'model: meta-llama/Llama-3.1-8B\nmicroBatchSize: 2\nsequenceLength: 4096\nparallelism: {sharding: fsdp-full}\n',
    );
    expect(reading?.unknown).toEqual([]);
    expect(settings(reading, 'model', 'microBatchSize', 'sequenceLength', 'parallelism.sharding')).toMatchObject({
      model: { name: 'meta-llama/Llama-3.1-8B' },
      microBatchSize: 2,
      sequenceLength: 4096,
      'parallelism.sharding': 'fsdp-full',
    });
    expect(setting(reading, 'microBatchSize').evidence).toMatchObject({
      kind: 'declared',
      place: { path: 'metadata.annotations["plimsoll.dev/run"]', text: '2' },
    });
  });

  it('wins over what is read', () => {
    const reading = annotated('microBatchSize: 3', [
      'python',
      'run_clm.py',
      '--model_name_or_path',
      'gpt2',
      '--per_device_train_batch_size',
      '8',
      '--do_train',
    ]);
    expect(settings(reading, 'microBatchSize')).toEqual({ microBatchSize: 3 });
  });

  it('names field, value and what was expected, and uses the rest', () => {
    const reading = annotated(
      'model: gpt2\nmicroBatchSize: many\nprecision: bf17\nmicro_batch_size: 3\nsequenceLength: 128',
    );
    expect(settings(reading, 'sequenceLength')).toEqual({ sequenceLength: 128 });
    expect(reading?.notes.slice(0, 3)).toEqual([
      'plimsoll.dev/run: microBatchSize is "many": Invalid input: expected number, received string',
      'plimsoll.dev/run: precision is "bf17": Invalid option: expected one of "fp32"|"tf32"|"amp-fp16"|"amp-bf16"|"fp16"|"bf16"|"fp8"',
      'plimsoll.dev/run: there is no field "micro_batch_size" (microBatchSize?)',
    ]);
  });
});

describe('every run', () => {
  it('holds every field with evidence and is valid by the published schema', () => {
    const reading = first({ command: ['python', 'run_clm.py', '--model_name_or_path', 'gpt2'] });
    if (!reading?.run) throw new Error('no run');
    for (const field of RUN_FIELDS) expect(settingAt(reading.run, field).evidence.kind).toBeTruthy();
    expect(runValuesSchema.safeParse(valuesOf(reading.run)).error).toBeUndefined();
  });
});

describe('several models on one device that a person declares', () => {
  const DISTILLATION = `
model: Qwen/Qwen2.5-0.5B
task: causal-lm
microBatchSize: 4
sequenceLength: 1024
runs:
  teacher: {model: Qwen/Qwen2.5-7B, precision: bf16, sharing: {turn: within-step}}
  rollout: {activity: generate, sharing.deviceShare: 0.3}`;
  const declared = (yaml: string): RunReading[] =>
    readManifest(job({ command: ['python', 'distil.py'], annotations: { 'plimsoll.dev/run': yaml } }), grammars);

  it('are runs by their roles, the trained one first', () => {
    const readings = declared(DISTILLATION);
    expect(readings.map(({ role, training, podSet }) => [role, training, podSet])).toEqual([
      ['policy', true, 'main'],
      ['teacher', true, 'main'],
      ['rollout', true, 'main'],
    ]);
    expect(readings.map(({ run }) => [run?.activity.value, run?.model.value?.name, run?.sequenceLength.value])).toEqual(
      [
        ['train', 'Qwen/Qwen2.5-0.5B', 1024],
        ['forward', 'Qwen/Qwen2.5-7B', 1024],
        ['generate', 'Qwen/Qwen2.5-0.5B', 1024],
      ],
    );
    expect(setting(readings[1], 'sharing.turn')).toMatchObject({
      value: 'within-step',
      evidence: { kind: 'declared' },
    });
    expect(setting(readings[2], 'sharing.deviceShare')).toMatchObject({ value: 0.3 });
  });

  it('say what is wrong with one of them by its role, and go on', () => {
    const [policy, ...others] = declared(
      `${DISTILLATION}
  critic: {microBatchSize: many, colour: red}
  Bad Role: {model: gpt2}
  judge: gpt2`,
    );
    expect(others.map(({ role }) => role)).toEqual(['teacher', 'rollout', 'critic']);
    const words = policy?.notes.join('\n') ?? '';
    expect(words).toMatch(/runs\.critic\.microBatchSize is "many": .*number/);
    expect(words).toContain('there is no field "runs.critic.colour"');
    expect(words).toContain('runs.Bad Role is no run: expected a role with its fields');
    expect(words).toContain('runs.judge is no run: expected a role with its fields');
  });

  it('are told as wrong where they are no mapping', () => {
    const [only, ...others] = declared('model: gpt2\nruns: [teacher]');
    expect(others).toEqual([]);
    expect(only?.role).toBe('model');
    expect(only?.notes.join()).toMatch(/runs is .*: expected runs by their role/);
  });

  it('have their own model, and nothing open where all is said', () => {
    const [, teacher] = declared(
      'model: gpt2\nmicroBatchSize: 1\nruns: {teacher: {microBatchSize: 2, model: nobody/knows}}',
    );
    expect(teacher?.role).toBe('teacher');
    expect(teacher?.run?.model.value?.name).toBe('nobody/knows');
    expect(teacher?.unknown).toEqual([]);
  });
});
