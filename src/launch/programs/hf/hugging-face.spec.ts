import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  installedGrammars,
  job,
  readManifest,
  scriptJob,
  setting,
  settings,
} from '../../../../test/builders/launch.js';
import type { Grammars } from '../../grammars.js';
import type { RunReading } from '../../reading.js';

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
    expect(reading?.unknown).toContainEqual({
      field: 'program',
      reason: 'without --do_train the script does not train',
    });
  });
});

describe('what may turn out smaller than it is written', () => {
  const trained = ['--model_name_or_path', 'gpt2', '--do_train'];

  it('takes a batch that shrinks by itself as a range down to one sample', () => {
    const flags = ['--auto_find_batch_size', '--per_device_train_batch_size', '512'];
    const reading = first({ command: ['python', 'run_clm.py', ...trained, ...flags] });
    expect(setting(reading, 'microBatchSize')).toMatchObject({
      value: 512,
      evidence: { kind: 'assumed' },
      range: { low: 1, high: 512 },
    });
  });

  it('leaves open what an accelerate configuration that is not there would have set', () => {
    const command = ['accelerate', 'launch', '--config_file', '/cfg/launch.yaml', 'run_clm.py', ...trained];
    const fields = first({ command })?.unknown.map(({ field }) => field);
    expect(fields).toEqual(expect.arrayContaining(['parallelism.sharding', 'precision']));
  });

  it('leaves open what a configuration of FSDP that is not there would have set', () => {
    const flags = ['--fsdp', 'full_shard', '--fsdp_config', '/cfg/fsdp.json'];
    const fields = first({ command: ['torchrun', 'run_clm.py', ...trained, ...flags] })?.unknown.map(
      ({ field }) => field,
    );
    expect(fields).toEqual(expect.arrayContaining(['activationCheckpointing', 'offload.parameters']));
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

  const named = (launcher: readonly string[], ...flags: string[]): RunReading | undefined =>
    first({
      command: [...launcher, 'run_clm.py', '--model_name_or_path', 'gpt2', '--do_train', '--bf16', ...flags],
      gpus: 8,
    });
  const SHARDS = ['parallelism.sharding', 'offload.optimizer', 'offload.parameters', 'precision'] as const;

  it('knows the DeepSpeed configurations that axolotl and LLaMA-Factory ship', () => {
    const zero2 = named(['deepspeed'], '--deepspeed', '/workspace/axolotl/deepspeed_configs/zero2.json');
    expect(zero2?.unknown).toEqual([]);
    expect(settings(zero2, ...SHARDS)).toEqual({
      'parallelism.sharding': 'zero2',
      'offload.optimizer': true,
      'offload.parameters': false,
      precision: 'bf16',
    });
    expect(setting(zero2, 'offload.optimizer').evidence).toMatchObject({ of: 'axolotl deepspeed_configs/zero2.json' });
    const zero3 = named(['deepspeed'], '--deepspeed', 'examples/deepspeed/ds_z3_offload_config.json');
    expect(settings(zero3, ...SHARDS)).toMatchObject({ 'parallelism.sharding': 'zero3', 'offload.parameters': true });
  });

  it('assumes the stage that the name of a configuration in the image says, and what it may offload', () => {
    const reading = named(['deepspeed'], '--deepspeed', 'conf/ds_config_zero3.json');
    expect(reading?.unknown).toEqual([]);
    expect(settings(reading, ...SHARDS)).toMatchObject({ 'parallelism.sharding': 'zero3', precision: 'bf16' });
    expect(setting(reading, 'offload.parameters')).toEqual({
      value: false,
      range: { low: true, high: false },
      evidence: {
        kind: 'assumed',
        reason: 'the name of ds_config_zero3.json says ZeRO stage 3; conf/ds_config_zero3.json is in the image',
      },
    });
  });

  it.each([
    ['deepspeed_zero3.yaml', 'zero3', 'bf16'],
    ['fsdp2.yaml', 'fsdp-full', 'amp-bf16'],
    ['multi_gpu.yaml', 'ddp', 'amp-bf16'],
  ])('assumes how accelerate shards by the name %s of its configuration', (file, sharding, precision) => {
    const reading = named(['accelerate', 'launch', '--config_file', `accelerate_configs/${file}`]);
    expect(reading?.unknown).toEqual([]);
    expect(settings(reading, 'parallelism.sharding', 'precision')).toEqual({
      'parallelism.sharding': sharding,
      precision,
    });
  });

  it('takes an FSDP configuration of accelerate for one that may checkpoint and offload', () => {
    const reading = named(['accelerate', 'launch', '--config_file', 'fsdp.yaml']);
    expect(setting(reading, 'activationCheckpointing').range).toEqual({ low: 'full', high: 'none' });
    expect(setting(reading, 'offload.parameters').range).toEqual({ low: true, high: false });
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
