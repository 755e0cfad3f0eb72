import type { OptionReader } from '../../options/option-reader.js';
import { asBoolean, asCount, asNumber } from '../../options/option.js';
import type { RunDraft } from '../../run-draft.js';
import { defaultOf, isAtLeast } from '../../versions.js';
import type { ProgramContext } from '../program.js';
import { versionedDefault } from '../program.js';
import type { OptimizerChoice } from './optimizers.js';
import { HF_OPTIMIZERS } from './optimizers.js';
import { readTrainerPrecision } from './precision.js';
import { readTrainerSharding } from './sharding.js';
import type { TrainerDefaults } from './trainer-defaults.js';

/**
 * transformers' TrainingArguments, from flags, a configuration file or Python keywords: batch, accumulation, precision,
 * optimizer, checkpointing, kernels, sharding (transformers/training_args.py; defaults 4.28 to 5.23).
 */
export function readTrainingArguments(reader: OptionReader, context: ProgramContext, own: TrainerDefaults): void {
  readBatch(reader, context);
  const sharding = readTrainerSharding(reader, context);
  readTrainerPrecision(reader, context, { own, sharding });
  readOptimizer(reader, context);
  readCheckpointing(reader, context, own);
  readKernels(reader, context);
}

function readBatch(reader: OptionReader, { draft }: ProgramContext): void {
  if (asBoolean(reader.options.find('auto_find_batch_size'))) shrinkingBatch(reader, draft);
  reader.count('microBatchSize', 'per_gpu_train_batch_size');
  reader.count('microBatchSize', 'per_device_train_batch_size');
  if (!draft.isOpen('microBatchSize')) draft.default('microBatchSize', 8, { of: 'transformers' });
  reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
  if (!draft.isOpen('gradientAccumulationSteps')) draft.default('gradientAccumulationSteps', 1, { of: 'transformers' });
}

/** accelerate's find_executable_batch_size: out of memory, the step is tried again with a smaller batch, down to 1. */
function shrinkingBatch({ options }: OptionReader, draft: RunDraft): void {
  const first = options.find('per_device_train_batch_size', 'per_gpu_train_batch_size');
  if (first?.unresolved) return;
  const size = asCount(first) ?? 8;
  const reason =
    'auto_find_batch_size: the batch shrinks by itself when memory runs out; the size given is tried first';
  draft.assume('microBatchSize', size, reason, { low: 1, high: size });
}

/** The default optimizer by version: adamw_torch from 4.32; fused from 4.54 with torch 2.8. */
function readOptimizer(reader: OptionReader, context: ProgramContext): void {
  const { draft } = context;
  const adafactor = reader.options.find('adafactor');
  const found = asBoolean(adafactor)
    ? { value: HF_OPTIMIZERS['adafactor'] as OptimizerChoice, place: adafactor?.place ?? null }
    : reader.word('optimizer.name', HF_OPTIMIZERS, 'optim');
  if (found) {
    draft.read('optimizer.name', found.value[0], found.place);
    draft.read('optimizer.implementation', found.value[1], found.place);
  }
  draft.default('optimizer.name', 'adamw', { of: 'transformers', version: context.versions.get('transformers') });
  defaultImplementation(context);
  reader.number('optimizer.weightDecay', 'weight_decay');
  draft.default('optimizer.weightDecay', 0, { of: 'transformers' });
  draft.default('optimizer.momentum', 0, { of: 'transformers' });
  const clipping = reader.options.find('max_grad_norm');
  if (asNumber(clipping) !== undefined)
    draft.read('gradientClipping', asNumber(clipping) !== 0, clipping?.place ?? null);
  draft.default('gradientClipping', true, { of: 'transformers', note: 'max_grad_norm is 1.0' });
}

function defaultImplementation(context: ProgramContext): void {
  const { draft, versions } = context;
  const [transformers, torch] = [versions.get('transformers'), versions.get('torch')];
  const isOld = transformers !== null && !isAtLeast(transformers, '4.54.0');
  const isOldTorch = torch !== null && !isAtLeast(torch, '2.8.0');
  const implementation = transformers !== null && !isAtLeast(transformers, '4.32.0') ? 'for-loop' : 'foreach';
  if (isOld || isOldTorch)
    draft.default('optimizer.implementation', implementation, { of: 'transformers', version: transformers });
  else if (isAtLeast(transformers, '4.54.0') && isAtLeast(torch, '2.8.0'))
    draft.default('optimizer.implementation', 'fused', { of: 'transformers', version: transformers });
  else
    draft.assume(
      'optimizer.implementation',
      'foreach',
      'fused from transformers 4.54 with torch 2.8, foreach before; the versions are not known here',
      { low: 'fused', high: 'foreach' },
    );
}

function readCheckpointing(reader: OptionReader, context: ProgramContext, own: TrainerDefaults): void {
  const { draft } = context;
  const found = reader.truth('activationCheckpointing', 'activation_checkpointing', 'gradient_checkpointing');
  if (found) draft.read('activationCheckpointing', found.value ? 'full' : 'none', found.place);
  if (draft.isOpen('activationCheckpointing')) return;
  const { checkpointing = false } = own;
  if (checkpointing === null)
    draft.assume(
      'activationCheckpointing',
      'full',
      `on by default in recent versions of ${own.of}; its version is not known here`,
      { low: 'full', high: 'none' },
    );
  else
    draft.default('activationCheckpointing', checkpointing ? 'full' : 'none', {
      of: own.of,
      version: context.versions.get(own.of),
    });
}

function readKernels(reader: OptionReader, context: ProgramContext): void {
  const { draft, versions } = context;
  const liger = reader.truth('kernels', 'use_liger_kernel', 'use_liger');
  if (liger?.value) {
    draft.read('kernels', ['liger'], liger.place);
    draft.read('loss', 'fused-linear', liger.place);
  }
  const compile = reader.options.find('torch_compile', 'torch_compile_backend', 'torch_compile_mode');
  if (compile && asBoolean(compile) !== false) draft.read('compile', 'default', compile.place);
  reader.choice('attention', ATTENTION, 'attn_implementation');
  if (asBoolean(reader.options.find('use_flash_attn', 'use_flash_attention_2')))
    draft.read(
      'attention',
      'flash-attention-2',
      reader.options.find('use_flash_attn', 'use_flash_attention_2')?.place ?? null,
    );
  const byVersion = defaultOf(
    [
      ['0', 'eager'],
      ['4.36.0', 'sdpa'],
    ] as const,
    versions.get('transformers') ?? '5.0.0',
  );
  versionedDefault(context, 'attention', { ...byVersion, of: 'transformers' });
}

/** Values of `attn_implementation` (transformers/modeling_utils.py). */
export const ATTENTION: Readonly<Record<string, string>> = {
  eager: 'eager',
  sdpa: 'sdpa',
  flash_attention_2: 'flash-attention-2',
  flash_attention_3: 'flash-attention-3',
  flex_attention: 'flex',
  'kernels-community/flash-attn': 'flash-attention-2',
  'kernels-community/flash-attn2': 'flash-attention-2',
  'kernels-community/vllm-flash-attn3': 'flash-attention-3',
};
