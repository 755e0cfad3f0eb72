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
  packages?: readonly string[];
  fsdpVersion?: 1 | 2;
  gradientAsBucketView?: boolean;
  /** Dropout before an adapter, where it is not that of LoRA recipes. */
  adapterDropout?: number;
  allocator?: string;
  checkpointing?: 'none' | 'selective' | 'full';
  step?: RunValues['trainingStep'];
}

/** transformers' Trainer drops outputs when its loss is computed; accelerate casts them; see src/launch/programs/steps.ts. */
const TRAINER_STEP = { keepsOutputs: false, castsOutputs: true, compilesLoss: true, fullPrecisionEmbeddings: true };
const ACCELERATE_STEP = { keepsOutputs: true, castsOutputs: true, compilesLoss: false, fullPrecisionEmbeddings: false };
const DROPPED = { keepsOutputs: false, castsOutputs: false, compilesLoss: false, fullPrecisionEmbeddings: false };
const KEPT = { ...DROPPED, keepsOutputs: true };

/** OpenMMLab's base configurations train with momentum 0.9 and a weight decay of 1e-4 to 5e-4; so does detectron2. */
const IMAGE_SGD = { optimizer: 'sgd', momentum: 0.9, weightDecay: 1e-4 } as const;

const DEFAULTS: readonly FrameworkDefaults[] = [
  { framework: /^mm|^detectron2|^maskrcnn-benchmark|^torchvision/i, name: 'openmmlab', ...IMAGE_SGD },
  { framework: /timm/i, name: 'timm', step: KEPT, optimizer: 'sgd', momentum: 0.9, weightDecay: 2e-5 },
  { framework: /yolo|ultralytics/i, name: 'yolo', optimizer: 'sgd', momentum: 0.937, weightDecay: 5e-4 },
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
    framework: /^fsdp_qlora/i,
    name: 'transformers',
    step: TRAINER_STEP,
    packages: ['transformers', 'bitsandbytes'],
    clipping: true,
  },
  {
    framework: /diffusers|^simpletuner|^finetrainers/i,
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
    // torchtitan/config: activation_checkpoint.mode
    checkpointing: 'selective',
    // torchtitan's run_train.sh
    allocator: 'expandable_segments:True',
  },
  { framework: /^torchtune/i, name: 'torchtune', fsdpVersion: 2 },
  { framework: /^litgpt/i, name: 'litgpt', step: KEPT, clipping: true },
  { framework: /^megatron/i, name: 'megatron', step: DROPPED, clipping: true, gradientAsBucketView: true },
  { framework: /deepspeed/i, name: 'deepspeed', step: DROPPED, packages: ['deepspeed'] },
];

const NONE: FrameworkDefaults = { framework: /^/, name: 'pytorch' };

export const frameworkDefaults = (record: MeasuredRun): FrameworkDefaults =>
  DEFAULTS.find(({ framework }) => framework.test(record.framework)) ?? NONE;

/** Releases of torch by month: a run without a version had at most what there was. Source: PyTorch's release notes. */
const TORCH_RELEASES: readonly (readonly [string, string])[] = [
  ['2018-12', '1.0'],
  ['2020-01', '1.4'],
  ['2021-03', '1.8'],
  ['2022-03', '1.11'],
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

const PACKAGE = /\b(torch|pytorch|transformers|accelerate|peft|flash-attn|deepspeed|cuda)\s+v?(\d+(?:\.\d+)+)/gi;

/** Versions that the record's framework version states; torch else from its date. */
export function packagesOf(record: MeasuredRun): Record<string, string> {
  const packages: Record<string, string> = {};
  for (const name of frameworkDefaults(record).packages ?? []) packages[name] = 'unknown';
  const torch = TORCH_RELEASES.filter(([month]) => record.date !== null && month <= record.date.slice(0, 7)).at(
    -1,
  )?.[1];
  if (torch !== undefined) packages['torch'] = torch;
  for (const [, name = '', version = ''] of (record.framework_version ?? '').matchAll(PACKAGE)) {
    packages[name.toLowerCase() === 'pytorch' ? 'torch' : name.toLowerCase()] = version;
  }
  return packages;
}

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
