import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  installedGrammars,
  job,
  manifest,
  readManifest,
  scriptJob,
  setting,
  settings,
} from '../../test/builders/launch.js';
import { RUN_FIELDS, settingAt, valuesOf } from '../run/fields.js';
import { runValuesSchema } from '../run/training-run.js';
import type { Grammars } from './grammars.js';
import type { RunReading } from './reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const first = (...args: Parameters<typeof job>): RunReading | undefined => readManifest(job(...args), grammars)[0];
const script = (...args: Parameters<typeof scriptJob>): RunReading | undefined =>
  readManifest(scriptJob(...args), grammars)[0];

describe('transformers example scripts', () => {
  it('reads run_clm under torchrun, with the place of every argument', () => {
    const reading = first({
      image: 'huggingface/transformers-pytorch-gpu:4.41.2',
      command: ['torchrun', '--nproc_per_node=4', 'run_clm.py'],
      args: [
        '--model_name_or_path',
        'gpt2',
        '--per_device_train_batch_size',
        '4',
        '--gradient_accumulation_steps=2',
        '--bf16',
        '--do_train',
        '--gradient_checkpointing',
        '--optim',
        'adamw_torch_fused',
      ],
      gpus: 4,
    });
    expect(reading?.unknown).toEqual([]);
    expect(
      settings(
        reading,
        'model',
        'task',
        'microBatchSize',
        'gradientAccumulationSteps',
        'globalBatchSize',
        'sequenceLength',
        'precision',
        'optimizer.name',
        'optimizer.implementation',
        'activationCheckpointing',
        'worldSize',
        'parallelism.sharding',
      ),
    ).toEqual({
      model: { name: 'gpt2', catalogId: null, config: null },
      task: 'causal-lm',
      microBatchSize: 4,
      gradientAccumulationSteps: 2,
      globalBatchSize: 32,
      sequenceLength: 1024,
      precision: 'amp-bf16',
      'optimizer.name': 'adamw',
      'optimizer.implementation': 'fused',
      activationCheckpointing: 'full',
      worldSize: 4,
      'parallelism.sharding': 'ddp',
    });
    expect(setting(reading, 'microBatchSize').evidence).toEqual({
      kind: 'read',
      place: {
        document: 'manifest',
        path: 'spec.template.spec.containers[0].args[3]',
        span: { start: 0, end: 1 },
        text: '4',
      },
    });
    expect(setting(reading, 'sequenceLength').evidence).toMatchObject({
      kind: 'default',
      of: 'transformers run_clm.py',
    });
  });

  it('takes the optimizer that the version of transformers builds by itself', () => {
    const args = ['--model_name_or_path', 'bert-base-uncased', '--do_train'];
    const old = first({
      image: 'huggingface/transformers-pytorch-gpu:4.41.2',
      command: ['python', 'run_mlm.py'],
      args,
    });
    expect(setting(old, 'optimizer.implementation')).toMatchObject({
      value: 'foreach',
      evidence: { kind: 'default', version: '4.41.2' },
    });
    const unsaid = first({ command: ['python', 'run_mlm.py'], args });
    expect(setting(unsaid, 'optimizer.implementation')).toMatchObject({
      evidence: { kind: 'assumed' },
      range: { low: 'fused', high: 'foreach' },
    });
    const recent = script(
      'pip install transformers==4.56.0 torch==2.8.0\npython run_mlm.py --model_name_or_path x --do_train',
    );
    expect(setting(recent, 'optimizer.implementation').value).toBe('fused');
  });

  it('reads a whole command line from a mounted JSON file', () => {
    const manifest = job({
      command: ['python', 'run_glue.py', '/cfg/args.json'],
      configMap: { name: 'args', mountPath: '/cfg' },
    });
    const [reading] = readManifest(manifest, grammars, {
      args: {
        'args.json':
          '{"model_name_or_path": "roberta-base", "task_name": "mnli", "per_device_train_batch_size": 32, "do_train": true}',
      },
    });
    expect(settings(reading, 'model', 'microBatchSize', 'numClasses', 'sequenceLength')).toMatchObject({
      model: { name: 'roberta-base' },
      microBatchSize: 32,
      numClasses: 3,
      sequenceLength: 128,
    });
    expect(setting(reading, 'microBatchSize').evidence).toMatchObject({
      kind: 'read',
      place: { document: 'configmap/args/args.json', text: '32' },
    });
  });

  it('says that a script without --do_train does not train', () => {
    const reading = first({ command: ['python', 'run_clm.py', '--model_name_or_path', 'gpt2'] });
    expect(reading?.notes).toContain('without --do_train the script does not train');
  });
});

describe('precision of a Trainer run', () => {
  const precision = (...flags: string[]): unknown =>
    setting(
      first({
        image: 'x/transformers-pytorch-gpu:latest',
        command: ['python', 'train.py', '--per_device_train_batch_size=1', ...flags],
      }),
      'precision',
    ).value;

  it('is autocast over fp32 weights with --bf16', () => expect(precision('--bf16', 'True')).toBe('amp-bf16'));
  it('is off with --bf16 False', () => expect(precision('--bf16', 'False')).toBe('fp32'));
  it('is 16 bit throughout when weights are loaded so', () =>
    expect(precision('--bf16', '--torch_dtype', 'bfloat16')).toBe('bf16'));
  it('follows the weights where nothing is cast', () => expect(precision('--torch-dtype=float16')).toBe('fp16'));
  it('holds fp32 shards under FSDP', () =>
    expect(precision('--bf16', '--torch_dtype=bfloat16', '--fsdp', 'full_shard auto_wrap')).toBe('amp-bf16'));
  it('comes from accelerate where the arguments are silent', () => {
    const reading = first({
      command: ['accelerate', 'launch', '--mixed_precision=fp16', 'train.py', '--per_device_train_batch_size=1'],
    });
    expect(setting(reading, 'precision').value).toBe('amp-fp16');
  });
});

describe('sharding', () => {
  it('reads a DeepSpeed configuration from a ConfigMap and leaves "auto" to the arguments', () => {
    const config =
      '{"zero_optimization": {"stage": 3, "offload_optimizer": {"device": "cpu"}}, "bf16": {"enabled": "auto"}, "train_micro_batch_size_per_gpu": "auto"}';
    const manifest = job({
      command: [
        'deepspeed',
        '--num_gpus=8',
        'train.py',
        '--deepspeed',
        '/ds/z3.json',
        '--bf16',
        '--per_device_train_batch_size',
        '2',
        '--model_name_or_path',
        'x/y',
      ],
      gpus: 8,
      configMap: { name: 'ds', mountPath: '/ds' },
    });
    const [reading] = readManifest(manifest, grammars, { ds: { 'z3.json': config } });
    expect(
      settings(
        reading,
        'parallelism.sharding',
        'offload.optimizer',
        'parallelism.shardSize',
        'precision',
        'microBatchSize',
      ),
    ).toEqual({
      'parallelism.sharding': 'zero3',
      'offload.optimizer': true,
      'parallelism.shardSize': 8,
      precision: 'bf16',
      microBatchSize: 2,
    });
    const place = (setting(reading, 'parallelism.sharding').evidence as { place: { span: { start: number } } }).place;
    expect(place).toMatchObject({
      document: 'configmap/ds/z3.json',
      span: { start: config.indexOf('3'), end: config.indexOf('3') + 1 },
    });
  });

  it('names a DeepSpeed configuration that lies in the image', () => {
    const reading = first({
      command: [
        'deepspeed',
        'train.py',
        '--deepspeed',
        'ds.json',
        '--per_device_train_batch_size',
        '2',
        '--model_name_or_path',
        'x/y',
      ],
    });
    expect(reading?.unknown).toEqual([
      {
        field: 'parallelism.sharding',
        reason: 'DeepSpeed configuration: ds.json is in the image',
        declare: 'parallelism: {sharding: zero2}',
      },
    ]);
  });

  it('reads FSDP from accelerate flags and from its configuration file', () => {
    const flags = first({
      command: [
        'accelerate',
        'launch',
        '--use_fsdp',
        '--fsdp_sharding_strategy',
        'SHARD_GRAD_OP',
        '--num_processes',
        '8',
        '--num_machines',
        '2',
        'run_clm.py',
        '--model_name_or_path',
        'gpt2',
        '--do_train',
      ],
      gpus: 4,
    });
    expect(
      settings(flags, 'parallelism.sharding', 'nodes', 'processesPerNode', 'worldSize', 'parallelism.shardSize'),
    ).toEqual({
      'parallelism.sharding': 'fsdp-grad-op',
      nodes: 2,
      processesPerNode: 4,
      worldSize: 8,
      'parallelism.shardSize': 8,
    });
    const config =
      'distributed_type: FSDP\nmixed_precision: bf16\nnum_processes: 4\nfsdp_config:\n  fsdp_sharding_strategy: FULL_SHARD\n  fsdp_activation_checkpointing: true\n';
    const manifest = job({
      command: [
        'accelerate',
        'launch',
        '--config_file',
        '/c/fsdp.yaml',
        'run_clm.py',
        '--model_name_or_path',
        'gpt2',
        '--do_train',
      ],
      gpus: 4,
      configMap: { name: 'acc', mountPath: '/c' },
    });
    const [file] = readManifest(manifest, grammars, { acc: { 'fsdp.yaml': config } });
    expect(settings(file, 'parallelism.sharding', 'precision', 'worldSize', 'activationCheckpointing')).toEqual({
      'parallelism.sharding': 'fsdp-full',
      precision: 'amp-bf16',
      worldSize: 4,
      activationCheckpointing: 'full',
    });
  });
});

describe('TRL', () => {
  it('reads the trl command with LoRA and 4 bit', () => {
    const reading = script(
      'pip install -q trl==0.12.2\ntrl sft --model_name_or_path Qwen/Qwen2.5-0.5B \\\n  --per_device_train_batch_size 2 --use_peft --lora_r 32 --lora_target_modules q_proj v_proj --load_in_4bit --max_seq_length 2048 --packing',
      { gpus: 2 },
    );
    expect(
      settings(
        reading,
        'model',
        'peft.method',
        'peft.rank',
        'peft.targetModules',
        'quantization',
        'sequenceLength',
        'packing',
        'worldSize',
        'activationCheckpointing',
        'precision',
      ),
    ).toEqual({
      model: { name: 'Qwen/Qwen2.5-0.5B', catalogId: null, config: null },
      'peft.method': 'lora',
      'peft.rank': 32,
      'peft.targetModules': ['q_proj', 'v_proj'],
      quantization: 'nf4',
      sequenceLength: 2048,
      packing: true,
      worldSize: 2,
      activationCheckpointing: 'none',
      precision: 'fp32',
    });
  });

  it('knows that recent versions checkpoint and use bf16 by themselves', () => {
    const reading = script('pip install trl==0.24.0\npython trl/scripts/sft.py --model_name_or_path gpt2');
    expect(settings(reading, 'activationCheckpointing', 'precision', 'sequenceLength')).toEqual({
      activationCheckpointing: 'full',
      precision: 'amp-bf16',
      sequenceLength: 1024,
    });
  });
});

describe('the PyTorch ImageNet example', () => {
  it('divides the batch of the node by its GPUs', () => {
    const reading = first({
      command: [
        'python',
        'main.py',
        '-a',
        'resnet50',
        '-b',
        '256',
        '--multiprocessing-distributed',
        '--world-size',
        '1',
        '--rank',
        '0',
        '/data',
      ],
      gpus: 4,
    });
    expect(
      settings(
        reading,
        'model',
        'microBatchSize',
        'worldSize',
        'optimizer.name',
        'optimizer.momentum',
        'precision',
        'imageSize',
        'sequenceLength',
      ),
    ).toEqual({
      model: { name: 'resnet50', catalogId: null, config: null },
      microBatchSize: 64,
      worldSize: 4,
      'optimizer.name': 'sgd',
      'optimizer.momentum': 0.9,
      precision: 'fp32',
      imageSize: [224, 224],
      sequenceLength: null,
    });
  });

  it('takes the batch whole in each process that torchrun starts', () => {
    const reading = script('torchrun --nproc_per_node=2 --nnodes=3 imagenet.py --arch=resnet18 --batch-size=32 /data', {
      gpus: 2,
    });
    expect(settings(reading, 'microBatchSize', 'worldSize')).toEqual({ microBatchSize: 32, worldSize: 6 });
  });
});

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
