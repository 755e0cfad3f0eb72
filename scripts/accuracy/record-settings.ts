import { isBefore, versionOf } from '../../src/memory/device/versions.js';
import { frameworkDefaults, packagesOf } from './framework-defaults.js';
import type { MeasuredRun } from './measured-run.js';
import type { Setting } from '../../src/run/setting.js';
import type { RunValues, SettingsOf, TrainingRun } from './settings.js';
import { assumed, byDefault, stated } from './settings.js';

type Optimizer = RunValues['optimizer'];

/** Each kind of precision text, first match wins: what is computed in, what weights are kept in. */
const PRECISIONS: readonly (readonly [RegExp, RunValues['precision']])[] = [
  [/fp8|float8|mxfp|nvfp/i, 'fp8'],
  [/bf16 autocast|^bf16 mixed|amp-bf16/i, 'amp-bf16'],
  [/fp16 autocast|amp-fp16/i, 'amp-fp16'],
  [/^bf16|^nf4/i, 'bf16'],
  [/^fp16|^gptq/i, 'fp16'],
  [/tf32/i, 'tf32'],
  [/^fp32/i, 'fp32'],
];

/**
 * diffusers' scripts and the trainers made after them run under autocast, with the base in 16 bit; what is trained they
 * cast to fp32 where that is fp16 (`cast_training_params`), and leave in bf16 otherwise.
 */
function lowered(record: MeasuredRun): 'fp16' | 'bf16' | null {
  if (frameworkDefaults(record).name !== 'diffusers') return null;
  const text = record.precision ?? '';
  if (text.startsWith('fp16')) return 'fp16';
  return text.startsWith('bf16') ? 'bf16' : null;
}

const isLora = ({ peft }: MeasuredRun): boolean => peft?.type !== undefined && peft.type !== null;

const STATED_WEIGHTS = /(bf16|fp16) weights/i;

/** Type of the weights, where it is not that of the precision. */
export function weightsOf(record: MeasuredRun): TrainingRun['weights'] {
  const said = STATED_WEIGHTS.exec(record.precision ?? '')?.[1];
  if (said !== undefined) return stated(said.toLowerCase() === 'bf16' ? 'bf16' : 'fp16', 'precision', record.precision);
  const type = lowered(record);
  return byDefault(type === 'fp16' && !isLora(record) ? 'fp32' : type, record.framework);
}

/** Type of an adapter's weights: diffusers' `add_adapter` gives them that of the base. */
export function adapterWeightsOf(record: MeasuredRun): TrainingRun['peft']['weights'] {
  const type = lowered(record);
  return byDefault(type === 'fp16' ? 'fp32' : type, record.framework);
}

export function precisionOf(record: MeasuredRun): TrainingRun['precision'] {
  const text = record.precision;
  const type = lowered(record);
  if (type !== null) return stated(`amp-${type}` as const, 'precision', text);
  const known = PRECISIONS.find(([pattern]) => pattern.test(text ?? ''))?.[1];
  if (known === undefined) return assumed('fp32', 'the record does not say', { low: 'bf16', high: 'fp32' });
  return stated(known, 'precision', text);
}

const QUANTIZATIONS: readonly (readonly [RegExp, RunValues['quantization']])[] = [
  [/nf4.*double|double.*nf4/i, 'nf4-double'],
  [/nf4/i, 'nf4'],
  [/int4/i, 'int4'],
  [/int8/i, 'int8'],
  [/fp8 base/i, 'fp8'],
];

export function quantizationOf(record: MeasuredRun): TrainingRun['quantization'] {
  const text = `${record.precision ?? ''} ${record.peft?.type ?? ''}`;
  const format = QUANTIZATIONS.find(([pattern]) => pattern.test(text))?.[1] ?? 'none';
  return stated(frameworkDefaults(record).quantization?.[format] ?? format, 'precision', record.precision);
}

const OPTIMIZERS: readonly (readonly [RegExp, Optimizer['name']])[] = [
  [/adamw/i, 'adamw'],
  [/adafactor/i, 'adafactor'],
  [/adam/i, 'adam'],
  [/lion/i, 'lion'],
  [/sgd/i, 'sgd'],
];

function implementationOf(text: string, record: MeasuredRun): Optimizer['implementation'] {
  const eightBit = /8bit/i.test(text);
  if (/paged/i.test(text)) return eightBit ? 'paged-8bit' : 'paged';
  if (eightBit) return '8bit';
  if (/foreach/i.test(text)) return 'foreach';
  return /fused(?! into)/i.test(text) || frameworkDefaults(record).name === 'megatron'
    ? 'fused'
    : defaultImplementation(record);
}

/** foreach is the default on CUDA since torch 2.0; transformers' Trainer takes fused ones since torch 2.8. */
function defaultImplementation(record: MeasuredRun): Optimizer['implementation'] {
  const { implementation } = frameworkDefaults(record);
  if (implementation !== undefined) return implementation;
  const torch = versionOf({ framework: { packages: packagesOf(record) } } as RunValues, 'torch');
  if (isBefore(torch, [2, 0])) return 'for-loop';
  const trainer = /^hf-trainer/i.test(record.framework);
  return trainer && torch !== null && !isBefore(torch, [2, 8]) ? 'fused' : 'foreach';
}

export function optimizerOf(record: MeasuredRun): SettingsOf<Optimizer> {
  const defaults = frameworkDefaults(record);
  const text = record.optimizer ?? '';
  const name = OPTIMIZERS.find(([pattern]) => pattern.test(text))?.[1];
  const chosen = name ?? defaults.optimizer ?? 'adamw';
  const sgd = chosen === 'sgd';
  const range = { low: 'sgd', high: 'adamw' } as const;
  return {
    name: name === undefined ? assumed(chosen, 'the record does not say', range) : stated(name, 'optimizer', text),
    implementation: stated(implementationOf(text, record), 'optimizer', text),
    momentum: byDefault(sgd ? (defaults.momentum ?? 0) : 0, defaults.name),
    weightDecay: byDefault(sgd ? (defaults.weightDecay ?? 0) : 0.01, defaults.name),
    amsgrad: byDefault(false, 'torch'),
  };
}

const ATTENTIONS: readonly (readonly [RegExp, RunValues['attention']])[] = [
  [/cudnn|sdpa/i, 'sdpa'],
  [/flash/i, 'flash-attention-2'],
  [/eager/i, 'eager'],
];

/** transformers chooses SDPA since 4.36 (December 2023), torch's own modules since 2.0. */
export function attentionOf(record: MeasuredRun): TrainingRun['attention'] {
  const known = ATTENTIONS.find(([pattern]) => pattern.test(record.attention ?? ''))?.[1];
  if (known !== undefined) return stated(known, 'attention', record.attention);
  const since = (record.date ?? '2024') >= '2023-12';
  // Of transformers' own choice later nobody writes
  if (frameworkDefaults(record).name === 'transformers' && (record.date ?? '') >= '2024-07')
    return byDefault('sdpa', 'transformers');
  const chosen = since ? 'sdpa' : 'eager';
  return assumed(chosen, 'the record does not say', { low: 'sdpa', high: 'eager' });
}

export function checkpointingOf(record: MeasuredRun): TrainingRun['activationCheckpointing'] {
  const text = record.activation_checkpointing;
  const usual = frameworkDefaults(record).checkpointing ?? 'none';
  if (text === null) return assumed(usual, 'the record does not say', { low: 'full', high: 'none' });
  const parts = /^selective \(\[?([^)\]]*)\]?\)/.exec(text)?.[1];
  if (parts !== undefined)
    return stated({ modules: parts.split(/[,\s]+/).slice(0, 20) }, 'activation_checkpointing', text);
  if (text.startsWith('selective')) return stated('selective', 'activation_checkpointing', text);
  return stated(text === 'full' ? 'full' : 'none', 'activation_checkpointing', text);
}

const LOSSES: readonly (readonly [RegExp, RunValues['loss']])[] = [
  [/fused-linear-cross-entropy|cut-cross-entropy/i, 'fused-linear'],
  [/chunked-cross-entropy/i, 'chunked'],
];

export function lossOf(record: MeasuredRun): TrainingRun['loss'] {
  const options = (record.memory_options ?? []).join(' ');
  const known = LOSSES.find(([pattern]) => pattern.test(options))?.[1];
  if (known !== undefined) return stated(known, 'memory_options', options);
  if (frameworkDefaults(record).name !== 'torchtune') return byDefault('standard', record.framework);
  return assumed('chunked', "torchtune's configurations", { low: 'chunked', high: 'standard' });
}

/** Options of the record that are kernels or habits of the loop rather than fields of their own. */
const KERNELS: readonly (readonly [RegExp, string])[] = [
  // Its loss alone is no other kernel of Liger's
  [/(?<!cross-entropy \()liger/i, 'liger'],
  [/foak.*LoRA/i, 'fused-lora'],
  [/foak.*RMSNorm/i, 'fused-norms'],
  [/foak.*cross-entropy|fused-cross-entropy/i, 'fused-cross-entropy'],
  [/optimizer-in-backward/i, 'optimizer-in-backward'],
  [/no-grad-accum-fusion/i, 'no-gradient-accumulation-fusion'],
];

export function kernelsOf(record: MeasuredRun): TrainingRun['kernels'] {
  const options = (record.memory_options ?? []).join(' ');
  const kernels = [...KERNELS.filter(([pattern]) => pattern.test(options)).map(([, name]) => name), ...saidOf(record)];
  const { kernels: usual, otherKernels, name } = frameworkDefaults(record);
  if (usual === undefined) return stated(kernels, 'memory_options', options);
  const [low, high] = [usual, otherKernels ?? usual].map((own) => [...own, ...kernels]) as [string[], string[]];
  return assumed(low, `${name}'s recipes for performance; others do without`, { low, high });
}

/** Kernels that the notes and the command line tell of, and those that a framework runs on unless told otherwise. */
function saidOf(record: MeasuredRun): string[] {
  const command = record.command_or_config ?? '';
  const engine = frameworkDefaults(record).name === 'megatron' && !command.includes('--transformer-impl local');
  return [
    ...(/torch LayerNorm/.test(record.notes ?? '') ? ['fused-norms'] : []),
    ...(command.includes('--fp8-param-gather') ? ['fp8-param-gather'] : []),
    ...(engine ? ['transformer-engine'] : []),
  ];
}

export function offloadOf(record: MeasuredRun): SettingsOf<RunValues['offload']> {
  const options = [...(record.memory_options ?? []), record.optimizer ?? '', record.parallelism.fsdp ?? ''].join(' ');
  const whole = /fsdp-cpu-offload|CPU offload/.test(options);
  return {
    parameters: stated(/fsdp-cpu-offload|\+ CPU offload/.test(options), 'memory_options', options),
    optimizer: stated(
      whole || /optimizer-cpu-offload|CPUOffloadOptimizer|CPU Adam/i.test(options),
      'memory_options',
      options,
    ),
    activations: activationOffloadOf(record, options),
  };
}

function activationOffloadOf(record: MeasuredRun, options: string): Setting<boolean> {
  const said = /activation-cpu-offload/.test(options);
  const may = frameworkDefaults(record).mayOffloadActivations === true && record.activation_checkpointing === 'full';
  if (said || !may) return stated(said, 'memory_options', options);
  return assumed<boolean>(false, 'the record does not say', { low: true, high: false });
}
