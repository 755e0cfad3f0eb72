import type { MeasuredRun } from './measured-run.js';
import type { RunValues, TrainingRun } from './settings.js';
import { assumed, byDefault } from './settings.js';

/** What a framework sets where a record is silent. By framework only: no model or source has rules of its own. */
export interface FrameworkDefaults {
  framework: RegExp;
  /** The name under which the framework is known to the estimator. */
  name: string;
  optimizer?: RunValues['optimizer']['name'];
  momentum?: number;
  weightDecay?: number;
  attention?: RunValues['attention'];
  clipping?: boolean;
  /** Of the optimizer, where the record does not say. */
  implementation?: RunValues['optimizer']['implementation'];
  /** Batches that its data loader has on the device beside the one in use. */
  prefetchedBatches?: number;
  /** A moving average of the weights on the device. */
  movingAverage?: boolean;
  /** Samples of a step over all ranks, by the month since when. */
  globalBatch?: readonly (readonly [string, number])[];
  /** Of adapters. */
  adapterDropout?: number;
  packages?: readonly string[];
  fsdpVersion?: 1 | 2;
  /** The release of torch that its figures were made with, where a record has no date. */
  torch?: string;
  /** It is run with nightly builds of torch. */
  followsTorch?: boolean;
  gradientAsBucketView?: boolean;
  allocator?: string;
  kernels?: readonly string[];
  /** What other recipes of the framework have instead, which take more. */
  otherKernels?: readonly string[];
  /** Recipes of the framework switch offloading of activations on and off beside checkpointing. */
  mayOffloadActivations?: boolean;
  checkpointing?: 'none' | 'selective' | 'full';
  step?: RunValues['trainingStep'];
  /** Where a run makes latents and embeddings beforehand: in its own process, before the model comes. */
  encodesBefore?: boolean;
  /** What a format of quantised weights is with the options that the framework sets. */
  quantization?: Partial<Record<RunValues['quantization'], RunValues['quantization']>>;
}

/** transformers' Trainer drops outputs when its loss is computed; accelerate casts them; see src/launch/programs/steps.ts. */
const TRAINER_STEP = { keepsOutputs: false, castsOutputs: true, compilesLoss: true, fullPrecisionEmbeddings: true };
const ACCELERATE_STEP = { keepsOutputs: true, castsOutputs: true, compilesLoss: false, fullPrecisionEmbeddings: false };
const DROPPED = { keepsOutputs: false, castsOutputs: false, compilesLoss: false, fullPrecisionEmbeddings: false };
const KEPT = { ...DROPPED, keepsOutputs: true };

/** OpenMMLab's base configurations train with momentum 0.9 and a weight decay of 1e-4 to 5e-4; so does detectron2. */
const IMAGE_SGD = { optimizer: 'sgd', momentum: 0.9, weightDecay: 1e-4 } as const;

const TIMM_SGD = { step: KEPT, optimizer: 'sgd', momentum: 0.9, weightDecay: 2e-5 } as const;

const DEFAULTS: readonly FrameworkDefaults[] = [
  // "Software environment" in docs/model_zoo.md of mmdetection (PyTorch 1.4) and mmsegmentation (1.5)
  { framework: /^mmdet$/i, name: 'openmmlab', ...IMAGE_SGD, torch: '1.4' },
  { framework: /^mmseg$/i, name: 'openmmlab', ...IMAGE_SGD, torch: '1.5' },
  { framework: /^mm|^detectron2|^maskrcnn-benchmark|^torchvision/i, name: 'openmmlab', ...IMAGE_SGD },
  // train.py and its loader (timm/data/loader.py, PrefetchLoader)
  { framework: /^timm$/i, name: 'timm', ...TIMM_SGD, prefetchedBatches: 1 },
  { framework: /timm/i, name: 'timm', ...TIMM_SGD },
  {
    // YOLOv5's train.py and ultralytics' trainer: a moving average on the device, steps of 64 images (nbs)
    framework: /yolo|ultralytics/i,
    name: 'yolo',
    optimizer: 'sgd',
    momentum: 0.937,
    weightDecay: 5e-4,
    clipping: true,
    movingAverage: true,
    globalBatch: [['2020-06', 64]],
  },
  {
    framework: /fms-acceleration/i,
    name: 'transformers',
    step: TRAINER_STEP,
    packages: ['transformers'],
    optimizer: 'adamw',
    clipping: true,
    // framework_plugin_bnb.py: bnb_4bit_use_double_quant
    quantization: { nf4: 'nf4-double' },
  },
  {
    framework: /^hf-trainer|^axolotl|^ms-swift/i,
    name: 'transformers',
    step: TRAINER_STEP,
    packages: ['transformers'],
    optimizer: 'adamw',
    clipping: true,
  },
  {
    framework: /^peft|^hf-transformers/i,
    name: 'transformers',
    step: TRAINER_STEP,
    packages: ['transformers', 'peft'],
  },
  {
    // A loop of its own, which checkpoints inside of what FSDP wraps (train.py, apply_activation_checkpointing)
    framework: /^fsdp_qlora/i,
    name: 'fsdp_qlora',
    step: TRAINER_STEP,
    packages: ['transformers', 'bitsandbytes'],
    clipping: true,
  },
  {
    // finetrainers' trainer.py: prepare_precomputations, then the model is loaded
    framework: /^finetrainers/i,
    name: 'diffusers',
    step: ACCELERATE_STEP,
    adapterDropout: 0,
    packages: ['diffusers'],
    clipping: true,
    encodesBefore: true,
  },
  {
    framework: /diffusers|^simpletuner/i,
    name: 'diffusers',
    step: ACCELERATE_STEP,
    adapterDropout: 0,
    packages: ['diffusers'],
    clipping: true,
  },
  {
    framework: /^torchtitan/i,
    name: 'torchtitan',
    step: DROPPED,
    clipping: true,
    fsdpVersion: 2,
    // README: install PyTorch nightly
    followsTorch: true,
    // torchtitan/config: activation_checkpoint.mode
    checkpointing: 'selective',
    // torchtitan's run_train.sh
    allocator: 'expandable_segments:True',
  },
  {
    framework: /^torchtune/i,
    name: 'torchtune',
    // recipes/configs: enable_activation_offloading
    mayOffloadActivations: true,
    step: { ...DROPPED, compilesLoss: true },
    fsdpVersion: 2,
    implementation: 'fused',
    adapterDropout: 0,
  },
  {
    framework: /^litgpt/i,
    name: 'litgpt',
    step: KEPT,
    packages: ['litgpt', 'bitsandbytes'],
    // finetune/lora.py of 2023: batch_size; later TrainArgs.global_batch_size
    globalBatch: [
      ['2023-01', 128],
      ['2024-03', 16],
    ],
  },
  {
    framework: /^megatron-bridge/i,
    name: 'megatron',
    step: DROPPED,
    clipping: true,
    gradientAsBucketView: true,
    // perf_recipes/_common.py reduces gradients in 16 bit, mixed_precision.py gathers 8-bit parameters for its fp8 recipes
    kernels: ['fp8-param-gather', 'grad-reduce-in-bf16'],
    // recipes/llama/h100/llama3.py and others: ddp.grad_reduce_in_fp32
    otherKernels: ['fp8-param-gather'],
  },
  { framework: /^megatron/i, name: 'megatron', step: DROPPED, clipping: true, gradientAsBucketView: true },
  // A script that writes its model itself, of PyTorch's modules
  { framework: /^pytorch script/i, name: 'own model code' },
  { framework: /^lightning.*deepspeed/i, name: 'lightning', step: DROPPED, packages: ['deepspeed'] },
  { framework: /deepspeed/i, name: 'deepspeed', step: DROPPED, packages: ['deepspeed'] },
];

const NONE: FrameworkDefaults = { framework: /^/, name: 'pytorch' };

export const frameworkDefaults = (record: MeasuredRun): FrameworkDefaults =>
  DEFAULTS.find(({ framework }) => framework.test(record.framework)) ?? NONE;

/** Releases of torch by month: a run without a version had at most what there was. Source: PyTorch's release notes. */
const TORCH_RELEASES: readonly (readonly [string, string])[] = [
  ['2018-12', '1.0'],
  ['2019-05', '1.1'],
  ['2019-08', '1.2'],
  ['2019-10', '1.3'],
  ['2020-01', '1.4'],
  ['2021-03', '1.8'],
  ['2021-06', '1.9'],
  ['2021-10', '1.10'],
  ['2022-03', '1.11'],
  ['2022-06', '1.12'],
  ['2022-10', '1.13'],
  ['2023-03', '2.0'],
  ['2023-10', '2.1'],
  ['2024-01', '2.2'],
  ['2024-04', '2.3'],
  ['2024-07', '2.4'],
  ['2024-10', '2.5'],
  ['2025-01', '2.6'],
  ['2025-04', '2.7'],
  ['2025-08', '2.8'],
  ['2025-10', '2.9'],
  ['2026-01', '2.10'],
];

/** Releases of other packages that decide memory, by month. Source: their release notes and tags. */
const RELEASES: Readonly<Record<string, readonly (readonly [string, string])[]>> = {
  torch: TORCH_RELEASES,
  transformers: [
    ['2020-01', '2.3'],
    ['2020-12', '4.0'],
    ['2021-12', '4.15'],
    ['2022-06', '4.20'],
    ['2022-12', '4.25'],
    ['2023-07', '4.31'],
    ['2023-11', '4.35'],
    ['2024-01', '4.36'],
    ['2024-03', '4.38'],
    ['2024-05', '4.40'],
    ['2024-07', '4.42'],
    ['2024-10', '4.45'],
    ['2025-01', '4.48'],
    ['2025-06', '4.52'],
    ['2025-10', '4.57'],
  ],
  bitsandbytes: [
    ['2023-07', '0.41.0'],
    ['2024-02', '0.42.0'],
    ['2024-04', '0.43.0'],
    ['2024-08', '0.43.2'],
    ['2024-10', '0.44.1'],
    ['2025-01', '0.45.0'],
  ],
  litgpt: [
    ['2023-06', '0.0.1'],
    ['2023-11', '0.1.0'],
    ['2024-05', '0.3.1'],
    ['2024-07', '0.4.4'],
    ['2024-08', '0.4.8'],
    ['2024-10', '0.5.0'],
    ['2025-01', '0.5.5'],
  ],
};

/** litgpt's quantisation asked for this release until 2025 (litgpt/utils.py, _BITANDBYTES_AVAILABLE_NOT_EQUAL_0_42_0). */
const LITGPT_BITSANDBYTES = '0.42.0';

const PACKAGE = /\b(torch|pytorch|transformers|accelerate|peft|flash-attn|deepspeed|cuda)\s+v?(\d+(?:\.\d+)+)/gi;

/**
 * Months between the release of a package and the publication of figures of runs with it: trainers pin their packages, and
 * runs are published later than they are made (transformers 4.45.2 and torch 2.4 in figures of January 2025 of
 * fms-acceleration, when 4.48 and 2.5 were out).
 */
const MONTHS_BEHIND: Readonly<Record<string, number>> = { transformers: 3, torch: 3 };

function monthsBefore(month: string, months: number): string {
  const [year = 0, ordinal = 1] = month.split('-').map(Number);
  const since = year * 12 + ordinal - 1 - months;
  return `${Math.floor(since / 12)}-${String((since % 12) + 1).padStart(2, '0')}`;
}

/** The release of a package that was in use in a month; a year stands for its first half. */
function releaseAt(name: string, date: string, behind = MONTHS_BEHIND[name] ?? 0): string | undefined {
  const month = monthsBefore(date.length === 4 ? `${date}-06` : date.slice(0, 7), behind);
  return RELEASES[name]?.filter(([since]) => since <= month).at(-1)?.[1];
}

/** Versions that the record's framework version states; others from its date. */
export function packagesOf(record: MeasuredRun): Record<string, string> {
  const { name: framework, packages: wanted = [], followsTorch, torch: usual } = frameworkDefaults(record);
  const torch = releaseOf('torch', record.date, followsTorch === true ? 0 : undefined) ?? usual;
  const dated = [['torch', torch] as const, ...wanted.map((name) => [name, releaseOf(name, record.date)] as const)];
  return {
    ...Object.fromEntries(wanted.map((name) => [name, 'unknown'])),
    ...Object.fromEntries(dated.filter(([, release]) => release !== undefined)),
    ...(framework === 'litgpt' ? { bitsandbytes: LITGPT_BITSANDBYTES } : {}),
    ...statedVersions(`${record.framework} ${record.framework_version ?? ''}`),
  };
}

const releaseOf = (name: string, date: string | null, behind?: number): string | undefined =>
  date === null ? undefined : releaseAt(name, date, behind);

const statedVersions = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(PACKAGE)].map(([, name = '', version = '']) => {
      const known = name.toLowerCase();
      return [known === 'pytorch' ? 'torch' : known, version];
    }),
  );

const OF_STEP = 'the script decides whether the outputs of the model live through backward';

/** torchtitan compiles its loss function beside the blocks since spring 2025, with torch 2.7 (components/loss.py). */
function compilesLoss(record: MeasuredRun): boolean {
  const [major = 0, minor = 0] = (packagesOf(record)['torch'] ?? '99').split('.').map(Number);
  return frameworkDefaults(record).name === 'torchtitan' && (major > 2 || (major === 2 && minor >= 7));
}

/** What the framework's training step does with the model's outputs; of a script that is not known either may be. */
export function trainingStepOf(record: MeasuredRun): TrainingRun['trainingStep'] {
  const { name, step } = frameworkDefaults(record);
  if (step !== undefined)
    return {
      keepsOutputs: byDefault(step.keepsOutputs, name),
      castsOutputs: byDefault(step.castsOutputs, name),
      compilesLoss: byDefault(step.compilesLoss || compilesLoss(record), name),
      fullPrecisionEmbeddings: byDefault(step.fullPrecisionEmbeddings, name),
    };
  const range = record.seq_len === null ? undefined : { low: false, high: true };
  return {
    keepsOutputs: assumed<boolean>(true, OF_STEP, range),
    castsOutputs: byDefault(false, name),
    compilesLoss: byDefault(false, name),
    fullPrecisionEmbeddings: byDefault(false, name),
  };
}
