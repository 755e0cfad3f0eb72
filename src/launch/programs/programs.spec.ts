import { beforeAll, describe, expect, it } from '@jest/globals';
import {
  installedGrammars,
  job,
  manifest,
  readManifest,
  scriptJob,
  setting,
  settings,
} from '../../../test/builders/launch.js';
import type { JobContainer } from '../../../test/builders/launch.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';
import { PROGRAMS } from './table.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const words = (command: string, over: JobContainer = {}): RunReading | undefined =>
  readManifest(job({ command: command.split(' '), ...over }), grammars)[0];
const script = (text: string, over: Omit<JobContainer, 'command'> = {}, data = {}): RunReading | undefined =>
  readManifest(scriptJob(text, over), grammars, data)[0];
const named = (name: string): unknown => ({ name, catalogId: null, config: null });

it('has one name for each program', () => {
  const ids = PROGRAMS.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});

describe('a script that is not known', () => {
  it('is a guess, whatever its flags are called', () => {
    const byFlags = words('python serve.py --model gpt2 --batch-size 4');
    const trainer = words('python mine.py --model_name_or_path gpt2 --per_device_train_batch_size 1');
    for (const reading of [byFlags, trainer]) expect(setting(reading, 'program').evidence.kind).toBe('assumed');
    expect(setting(words('python run_clm.py --model_name_or_path gpt2'), 'program').evidence.kind).toBe('read');
  });

  it('trains an adapter where it is given its rank, unless a switch says otherwise', () => {
    const command = 'python finetune.py --base_model gpt2 --micro_batch_size 4 --lora_r 16';
    expect(settings(words(command), 'peft.method', 'peft.rank')).toEqual({ 'peft.method': 'lora', 'peft.rank': 16 });
    expect(setting(words(`${command} --use_lora False`), 'peft.method').value).toBe('none');
    expect(setting(words(`${command} --lora_enable True`), 'peft.method').value).toBe('lora');
  });
});

describe('axolotl', () => {
  const CONFIG = `base_model: NousResearch/Llama-3.2-1B
adapter: qlora
load_in_4bit: true
lora_r: 32
lora_target_linear: true
sequence_len: 4096
sample_packing: true
micro_batch_size: 2
gradient_accumulation_steps: 4
optimizer: adamw_bnb_8bit
bf16: auto
flash_attention: true
gradient_checkpointing: true
`;
  const mounted = { gpus: 2, configMap: { name: 'cfg', mountPath: '/configs' } };

  it('reads its configuration from a ConfigMap, flags over it', () => {
    const reading = script('cd /workspace && axolotl train /configs/a.yaml --micro-batch-size 1', mounted, {
      cfg: { 'a.yaml': CONFIG },
    });
    expect(reading?.unknown).toEqual([]);
    expect(
      settings(
        reading,
        'model',
        'microBatchSize',
        'gradientAccumulationSteps',
        'sequenceLength',
        'packing',
        'peft.method',
        'peft.rank',
        'peft.targetModules',
        'quantization',
        'optimizer.implementation',
        'precision',
        'attention',
        'activationCheckpointing',
        'worldSize',
      ),
    ).toEqual({
      model: named('NousResearch/Llama-3.2-1B'),
      microBatchSize: 1,
      gradientAccumulationSteps: 4,
      sequenceLength: 4096,
      packing: true,
      'peft.method': 'lora',
      'peft.rank': 32,
      'peft.targetModules': 'all-linear',
      quantization: 'nf4-double',
      'optimizer.implementation': '8bit',
      precision: 'bf16',
      attention: 'flash-attention-2',
      activationCheckpointing: 'full',
      worldSize: 2,
    });
    expect(setting(reading, 'sequenceLength').evidence).toMatchObject({
      place: { document: 'configmap/cfg/a.yaml', text: '4096' },
    });
  });

  it('says which ConfigMap is missing', () => {
    const reading = script('accelerate launch -m axolotl.cli.train /configs/a.yaml', mounted);
    expect(reading?.unknown[0]).toEqual({
      field: 'model',
      reason: 'configuration /configs/a.yaml is in ConfigMap cfg, which was not given',
      declare: 'model: google/gemma-3-4b-pt',
    });
  });
});

describe('LLaMA-Factory', () => {
  it('reads a file with words over it and starts torchrun on all GPUs', () => {
    const config =
      'model_name_or_path: Qwen/Qwen2.5-7B\nstage: sft\nfinetuning_type: lora\nlora_rank: 16\ncutoff_len: 4096\nper_device_train_batch_size: 1\nbf16: true\n';
    const reading = script(
      'llamafactory-cli train /c/sft.yaml per_device_train_batch_size=2 quantization_bit=4',
      { gpus: 4, configMap: { name: 'c', mountPath: '/c' } },
      { c: { 'sft.yaml': config } },
    );
    expect(
      settings(
        reading,
        'model',
        'microBatchSize',
        'sequenceLength',
        'peft.rank',
        'peft.targetModules',
        'quantization',
        'activationCheckpointing',
        'precision',
        'worldSize',
      ),
    ).toEqual({
      model: named('Qwen/Qwen2.5-7B'),
      microBatchSize: 2,
      sequenceLength: 4096,
      'peft.rank': 16,
      'peft.targetModules': 'all-linear',
      quantization: 'nf4-double',
      activationCheckpointing: 'full',
      precision: 'amp-bf16',
      worldSize: 4,
    });
  });
});

describe('Megatron-LM', () => {
  it('reads the architecture, parallelism and the accumulation that follows from the global batch', () => {
    const reading = script(
      `MODEL_ARGS=(
  --num-layers 24 --hidden-size 2048 --num-attention-heads 16 --seq-length 2048 --max-position-embeddings 2048
  --swiglu --untie-embeddings-and-output-weights --vocab-size 32000
)
torchrun --nproc_per_node 8 --nnodes 2 pretrain_gpt.py \${MODEL_ARGS[@]} \\
  --micro-batch-size 2 --global-batch-size 64 --tensor-model-parallel-size 4 --sequence-parallel --bf16 --use-distributed-optimizer --recompute-granularity full`,
      { gpus: 8 },
    );
    expect(reading?.unknown).toEqual([]);
    expect(
      settings(
        reading,
        'microBatchSize',
        'globalBatchSize',
        'gradientAccumulationSteps',
        'parallelism.tensor',
        'parallelism.sequence',
        'parallelism.data',
        'parallelism.sharding',
        'precision',
        'activationCheckpointing',
        'sequenceLength',
      ),
    ).toEqual({
      microBatchSize: 2,
      globalBatchSize: 64,
      gradientAccumulationSteps: 8,
      'parallelism.tensor': 4,
      'parallelism.sequence': true,
      'parallelism.data': 4,
      'parallelism.sharding': 'distributed-optimizer',
      precision: 'bf16',
      activationCheckpointing: 'full',
      sequenceLength: 2048,
    });
    expect(setting(reading, 'model').value).toMatchObject({
      config: {
        model_type: 'llama',
        hidden_size: 2048,
        intermediate_size: 5440,
        vocab_size: 32000,
        tie_word_embeddings: false,
      },
    });
  });
});

describe('torchtune', () => {
  it('takes the shipped configuration with overrides', () => {
    const reading = words(
      'tune run --nproc_per_node 4 lora_finetune_distributed --config llama3_1/8B_lora batch_size=4 dataset.packed=True tokenizer.max_seq_len=4096',
      { gpus: 4 },
    );
    expect(
      settings(
        reading,
        'model',
        'microBatchSize',
        'gradientAccumulationSteps',
        'sequenceLength',
        'packing',
        'peft.method',
        'peft.rank',
        'precision',
        'parallelism.sharding',
        'parallelism.shardSize',
        'optimizer.implementation',
        'activationCheckpointing',
        'loss',
      ),
    ).toEqual({
      model: named('meta-llama/Llama-3.1-8B'),
      microBatchSize: 4,
      gradientAccumulationSteps: 8,
      sequenceLength: 4096,
      packing: true,
      'peft.method': 'lora',
      'peft.rank': 8,
      precision: 'bf16',
      'parallelism.sharding': 'fsdp-full',
      'parallelism.shardSize': 4,
      'optimizer.implementation': 'fused',
      activationCheckpointing: 'none',
      loss: 'chunked',
    });
  });
});

describe('vision programs', () => {
  it('reads timm', () => {
    const reading = words(
      'torchrun --nproc_per_node=2 train.py --data-dir /d --model vit_base_patch16_224 -b 64 --opt adamw --amp --amp-dtype bfloat16 --model-ema --img-size 384 --channels-last',
      { gpus: 2 },
    );
    expect(
      settings(
        reading,
        'model',
        'microBatchSize',
        'imageSize',
        'precision',
        'optimizer.name',
        'ema',
        'channelsLast',
        'worldSize',
      ),
    ).toEqual({
      model: named('vit_base_patch16_224'),
      microBatchSize: 64,
      imageSize: [384, 384],
      precision: 'amp-bf16',
      'optimizer.name': 'adamw',
      ema: true,
      channelsLast: true,
      worldSize: 2,
    });
  });

  it('reads the torchvision references', () => {
    const reading = words(
      'torchrun --nproc_per_node=4 /vision/references/classification/train.py --model resnet50 --batch-size 128 --amp --train-crop-size 176',
      { gpus: 4 },
    );
    expect(settings(reading, 'model', 'microBatchSize', 'imageSize', 'precision', 'optimizer.name')).toEqual({
      model: named('resnet50'),
      microBatchSize: 128,
      imageSize: [176, 176],
      precision: 'amp-fp16',
      'optimizer.name': 'sgd',
    });
  });

  it('reads the longest recording of a training with CTC in samples', () => {
    const ctc = (...flags: string[]): unknown =>
      settings(
        words(
          `python run_speech_recognition_ctc.py --model_name_or_path facebook/wav2vec2-base --do_train ${flags.join(' ')}`,
        ),
        'task',
        'sequenceLength',
      );
    expect(ctc()).toEqual({ task: 'speech', sequenceLength: 320_000 });
    expect(ctc('--max_duration_in_seconds 6')).toEqual({ task: 'speech', sequenceLength: 96_000 });
  });

  it('divides the batch of Ultralytics over its GPUs and does not guess what fills the card', () => {
    const reading = words('yolo detect train model=yolov8n.pt data=coco.yaml batch=64 imgsz=640 device=0,1', {
      gpus: 2,
    });
    expect(settings(reading, 'model', 'task', 'microBatchSize', 'imageSize', 'worldSize', 'precision')).toEqual({
      model: named('yolov8n'),
      task: 'detection',
      microBatchSize: 32,
      imageSize: [640, 640],
      worldSize: 2,
      precision: 'amp-fp16',
    });
    expect(words('yolo train model=yolov8n.pt batch=-1')?.unknown).toEqual([
      {
        field: 'microBatchSize',
        reason: 'batch=-1 fills the GPU by itself: any GPU will do',
        declare: 'microBatchSize: 16',
      },
    ]);
  });

  it('knows after how many images Ultralytics takes a step at another batch, also where it is told them', () => {
    const stepsAt = (batch: number, command: string): unknown => {
      const run = words(command)?.run;
      const { options } = PROGRAMS.find(({ id }) => id === 'ultralytics')!;
      return run && options?.follows?.('microBatchSize', batch, run)[0]?.value;
    };
    expect(stepsAt(16, 'yolo detect train model=yolov8n.pt batch=32')).toBe(4);
    expect(stepsAt(16, 'yolo detect train model=yolov8n.pt batch=32 nbs=128')).toBe(8);
    expect(stepsAt(2, 'yolo detect train model=yolov8n.pt batch=16 nbs=32')).toBe(16);
  });

  it('reads TensorFlow benchmarks without estimating them', () => {
    const reading = words('python tf_cnn_benchmarks.py --model=resnet50 --batch_size=64');
    expect(reading?.unknown).toEqual([
      { field: 'framework', reason: 'TensorFlow trainings are read, but their memory is not worked out' },
    ]);
  });
});

describe('nanoGPT', () => {
  it('reads a shipped configuration and words over it', () => {
    const reading = words(
      'torchrun --standalone --nproc_per_node=4 train.py config/train_gpt2.py --batch_size=6 --compile=False',
      { gpus: 4 },
    );
    expect(
      settings(
        reading,
        'microBatchSize',
        'gradientAccumulationSteps',
        'sequenceLength',
        'compile',
        'optimizer.implementation',
      ),
    ).toEqual({
      microBatchSize: 6,
      gradientAccumulationSteps: 10,
      sequenceLength: 1024,
      compile: 'none',
      'optimizer.implementation': 'fused',
    });
    expect(setting(reading, 'model').value).toMatchObject({ config: { n_layer: 12, n_embd: 768 } });
  });
});

describe('programs that nobody knows', () => {
  it('takes common flags at their word and widens what they do not say', () => {
    const reading = words(
      'torchrun --nproc_per_node=8 /app/finetune.py --model_name=facebook/opt-1.3b --batch_size=4 --max_seq_length=512',
      { gpus: 8 },
    );
    expect(settings(reading, 'model', 'microBatchSize', 'sequenceLength')).toEqual({
      model: named('facebook/opt-1.3b'),
      microBatchSize: 4,
      sequenceLength: 512,
    });
    expect(setting(reading, 'precision').range).toEqual({ low: 'bf16', high: 'fp32' });
    expect(setting(reading, 'parallelism.shardSize').range).toEqual({ low: 8, high: 1 });
  });

  it('takes variables at their word where the program is in the image', () => {
    const [reading] = readManifest(
      job({
        image: 'x',
        env: { MODEL_NAME: 'google/gemma-2b', TRAIN_BATCH_SIZE: '1', LORA_R: '8', MAX_SEQ_LENGTH: '512' },
      }),
      grammars,
    );
    expect(settings(reading, 'model', 'microBatchSize', 'peft.method', 'peft.rank', 'sequenceLength')).toEqual({
      model: named('google/gemma-2b'),
      microBatchSize: 1,
      'peft.method': 'lora',
      'peft.rank': 8,
      sequenceLength: 512,
    });
  });
});

describe('KAITO', () => {
  it('reads preset and method of a Workspace', () => {
    const [reading] = readManifest(
      manifest(
        'apiVersion: kaito.sh/v1beta1\nkind: Workspace\nmetadata: {name: w}\nresource: {instanceType: Standard_NC24ads_A100_v4}\ntuning: {preset: {name: phi-4}, method: qlora}\n',
      ),
      grammars,
    );
    expect(settings(reading, 'model', 'quantization', 'peft.method', 'microBatchSize')).toEqual({
      model: named('microsoft/phi-4'),
      quantization: 'nf4-double',
      'peft.method': 'lora',
      microBatchSize: 1,
    });
  });
});
