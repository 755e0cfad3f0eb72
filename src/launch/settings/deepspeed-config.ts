import type { Precision, Sharding } from '../../run/training-run.js';
import type { AlongsideView } from '../alongside.js';
import type { Found } from '../options/option-reader.js';
import { OptionReader } from '../options/option-reader.js';
import type { Option, Options } from '../options/option.js';
import { asBoolean, asNumber, asOptions, asText, Options as OptionsOf } from '../options/option.js';
import { readStructured } from '../options/structured.js';
import type { RunDraft } from '../run-draft.js';
import { Tracked } from '../text/tracked.js';
import { assumeNamedStage, takeShippedDeepSpeed } from './sharding-files.js';

const STAGES: Readonly<Record<string, Sharding>> = { '0': 'ddp', '1': 'zero1', '2': 'zero2', '3': 'zero3' };

/** DeepSpeed's optimizer types; Adam is AdamW unless `adam_w_mode` is false, and runs fused (deepspeed/runtime/engine.py). */
const OPTIMIZERS: Readonly<Record<string, readonly [string, string]>> = {
  adam: ['adamw', 'fused'],
  adamw: ['adamw', 'fused'],
  lamb: ['lamb', 'fused'],
  fusedlamb: ['lamb', 'fused'],
  lion: ['lion', 'fused'],
  sgd: ['sgd', 'foreach'],
  adagrad: ['adagrad', 'foreach'],
  muon: ['muon', 'foreach'],
};

/** The DeepSpeed configuration that an option names (a path) or holds (JSON text, a mapping). */
export function findDeepSpeedConfig(
  option: Option,
  files: AlongsideView,
  at: { cwd: string | null; draft: RunDraft },
): Options | null {
  const inner = asOptions(option);
  if (inner) return inner;
  const text = asText(option);
  if (text === undefined) {
    at.draft.leaveOpen('parallelism.sharding', option.unresolved ?? 'the DeepSpeed configuration is not named');
    return null;
  }
  return text.trimStart().startsWith('{') ? parsed(Tracked.made(text), at.draft) : fromFile(text, files, at);
}

function fromFile(
  path: string,
  files: AlongsideView,
  { cwd, draft }: { cwd: string | null; draft: RunDraft },
): Options | null {
  const found = files.read(path, cwd);
  if ('content' in found) return parsed(found.content, draft);
  const shipped = takeShippedDeepSpeed(path, draft);
  if (shipped !== null) return parsed(Tracked.made(JSON.stringify({ bf16: { enabled: shipped.bf16 } })), draft);
  if (assumeNamedStage(path, found.missing, draft)) return null;
  draft.leaveOpen(
    'parallelism.sharding',
    `DeepSpeed configuration: ${found.missing}`,
    'parallelism: {sharding: zero2}',
  );
  return null;
}

function parsed(content: Tracked, draft: RunDraft): Options | null {
  const result = readStructured(content);
  if ('options' in result) return result.options;
  draft.note(`the DeepSpeed configuration ${result.problem}`);
  return new OptionsOf();
}

/** What a DeepSpeed configuration decides beside its own fields. */
export interface DeepSpeedSays {
  /** 16-bit parameters with an fp32 master copy in the partition; null: `auto` or not said. */
  precision: Found<Precision> | null;
}

/**
 * Reads a DeepSpeed configuration (deepspeed/runtime/config.py, zero/config.py). Values of `auto` are left to the
 * program's own arguments.
 */
export function readDeepSpeedConfig(config: Options, draft: RunDraft): DeepSpeedSays {
  const zero = asOptions(config.find('zero_optimization'));
  const stage = zero?.find('stage');
  const sharding = STAGES[String(asNumber(stage) ?? 0)] ?? 'ddp';
  if (stage) draft.read('parallelism.sharding', sharding, stage.place);
  else draft.default('parallelism.sharding', 'ddp', { of: 'deepspeed', note: 'stage 0 where no stage is given' });
  if (zero) readOffload(zero, draft);
  readBatch(config, draft);
  readOptimizer(config, draft);
  return { precision: precisionOf(config) };
}

function readOffload(zero: Options, draft: RunDraft): void {
  const optimizer = asOptions(zero.find('offload_optimizer'))?.find('device') ?? zero.find('cpu_offload');
  const parameters = asOptions(zero.find('offload_param'))?.find('device') ?? zero.find('cpu_offload_params');
  if (optimizer) draft.read('offload.optimizer', isAway(optimizer), optimizer.place);
  if (parameters) draft.read('offload.parameters', isAway(parameters), parameters.place);
}

const isAway = (option: Option): boolean =>
  asBoolean(option) ?? (asText(option) === 'cpu' || asText(option) === 'nvme');

function readBatch(config: Options, draft: RunDraft): void {
  const numbers = new OptionReader(withoutAuto(config), draft);
  numbers.count('microBatchSize', 'train_micro_batch_size_per_gpu');
  numbers.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
  numbers.count('globalBatchSize', 'train_batch_size');
  const clipping = numbers.options.find('gradient_clipping');
  if (asNumber(clipping) !== undefined)
    draft.read('gradientClipping', asNumber(clipping) !== 0, clipping?.place ?? null);
}

const withoutAuto = (config: Options): Options =>
  new OptionsOf(config.all().filter((option) => option.value !== 'auto'));

function readOptimizer(config: Options, draft: RunDraft): void {
  const type = asOptions(config.find('optimizer'))?.find('type');
  const known = OPTIMIZERS[asText(type)?.toLowerCase() ?? ''];
  if (!type || !known) return;
  draft.read('optimizer.name', known[0], type.place);
  draft.default('optimizer.implementation', known[1], { of: 'deepspeed' });
}

function precisionOf(config: Options): Found<Precision> | null {
  return enabled(config, ['bf16', 'bfloat16'], 'bf16') ?? enabled(config, ['fp16'], 'fp16');
}

function enabled(config: Options, sections: readonly string[], precision: Precision): Found<Precision> | null {
  const option = asOptions(config.find(...sections))?.find('enabled');
  return asBoolean(option) === true ? { value: precision, place: option?.place ?? null } : null;
}
