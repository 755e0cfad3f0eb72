import type { OptimizerName } from '../../run/training-run.js';
import { OptionReader } from '../options/option-reader.js';
import { asBoolean, asCount, asNumber, asText } from '../options/option.js';
import type { Option, Options } from '../options/option.js';
import type { PythonScope } from '../python/evaluate.js';
import { evaluate } from '../python/evaluate.js';
import { optionsOfCall } from '../python/calls.js';
import type { PythonCall } from '../python/source.js';
import type { RunDraft } from '../run-draft.js';
import type { ProgramContext } from './program.js';

type ReadCall = (call: PythonCall, scope: PythonScope, draft: RunDraft) => void;

/** Classes of torch.optim, with the momentum that each starts from. */
const OPTIMIZERS: Readonly<Record<string, OptimizerName>> = {
  SGD: 'sgd',
  Adam: 'adam',
  AdamW: 'adamw',
  NAdam: 'nadam',
  RAdam: 'radam',
  Adamax: 'adamax',
  RMSprop: 'rmsprop',
  Adagrad: 'adagrad',
  Adadelta: 'adadelta',
  Adafactor: 'adafactor',
};

/** Default of weight_decay by optimizer, where it is not 0 (torch/optim). */
const WEIGHT_DECAY: Readonly<Record<string, number>> = { AdamW: 0.01 };

/** What each call of a training loop says, by the last part of its name. */
const CALLS: Readonly<Record<string, ReadCall>> = {
  ...Object.fromEntries(Object.keys(OPTIMIZERS).map((name) => [name, readOptimizer])),
  DataLoader: readLoader,
  autocast: readAutocast,
  half: (call, _, draft) => mark(call, draft, 'precision', 'fp16'),
  bfloat16: (call, _, draft) => mark(call, draft, 'precision', 'bf16'),
  gradient_checkpointing_enable: (call, _, draft) => mark(call, draft, 'activationCheckpointing', 'full'),
  apply_activation_checkpointing: (call, _, draft) => mark(call, draft, 'activationCheckpointing', 'full'),
  DistributedDataParallel: (call, _, draft) => mark(call, draft, 'parallelism.sharding', 'ddp'),
  DDP: (call, _, draft) => mark(call, draft, 'parallelism.sharding', 'ddp'),
  FullyShardedDataParallel: (call, _, draft) => mark(call, draft, 'parallelism.sharding', 'fsdp-full'),
  FSDP: (call, _, draft) => mark(call, draft, 'parallelism.sharding', 'fsdp-full'),
  fully_shard: readFullyShard,
  clip_grad_norm_: (call, _, draft) => mark(call, draft, 'gradientClipping', true),
  RandomResizedCrop: readImageSize,
  Resize: readImageSize,
};

/** Reads a training loop written by hand. */
export function readLoop(scope: PythonScope, { draft }: ProgramContext): void {
  for (const call of scope.source.calls) {
    const read = Object.hasOwn(CALLS, call.last) ? CALLS[call.last] : undefined;
    read?.(call, scope, draft);
    if (call.name === 'torch.compile') mark(call, draft, 'compile', 'default');
  }
  const flags = new OptionReader(scope.flags, draft);
  flags.count('microBatchSize', 'per_device_train_batch_size', 'train_batch_size', 'batch_size');
  flags.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
  readNamed(scope, draft, 'microBatchSize', ['train_batch_size', 'batch_size']);
}

/** A constant of the source whose name says what it is (`batch_size = 64`), in either case of letters. */
export function readNamed(scope: PythonScope, draft: RunDraft, field: MarkedField, names: readonly string[]): void {
  if (draft.has(field) || draft.isOpen(field)) return;
  for (const name of names.flatMap((one) => [one, one.toUpperCase()])) {
    const option = evaluate(name, scope.source.names.get(name), scope);
    const count = asCount(option);
    if (count !== undefined) return draft.read(field, count, option.place);
  }
}

type MarkedField = Parameters<RunDraft['derive']>[0];

/** A call whose being there says it all. */
function mark(call: PythonCall, draft: RunDraft, field: MarkedField, value: unknown): void {
  draft.derive(field, value, [call.name], `the source calls ${call.name}`);
}

function readOptimizer(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  if (!isTorchOptimizer(call, scope) || draft.has('optimizer.name')) return;
  const options = optionsOfCall(call, scope);
  const reader = new OptionReader(options, draft);
  mark(call, draft, 'optimizer.name', OPTIMIZERS[call.last]);
  readImplementation(options, draft);
  reader.number('optimizer.momentum', 'momentum');
  reader.number('optimizer.weightDecay', 'weight_decay');
  draft.default('optimizer.weightDecay', WEIGHT_DECAY[call.last] ?? 0, { of: 'torch' });
  reader.flag('optimizer.amsgrad', 'amsgrad');
}

const isTorchOptimizer = ({ name, last }: PythonCall, { source }: PythonScope): boolean =>
  name.includes('optim') || (source.imports.get(last) ?? '').startsWith('torch.optim');

function readImplementation(options: Options, draft: RunDraft): void {
  const [fused, foreach] = [options.find('fused'), options.find('foreach')];
  if (fused && asBoolean(fused)) draft.read('optimizer.implementation', 'fused', fused.place);
  if (foreach && asBoolean(foreach) === false) draft.read('optimizer.implementation', 'for-loop', foreach.place);
  draft.default('optimizer.implementation', 'foreach', { of: 'torch' });
}

/** The first loader is taken for that of the training data; without a size it is 1. */
function readLoader(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  const option = optionsOfCall(call, scope).find('batch_size', '1');
  const size = asCount(option);
  if (option && size !== undefined) draft.read('microBatchSize', size, option.place);
  else if (option?.unresolved) draft.leaveOpen('microBatchSize', option.unresolved);
}

const AUTOCAST: Readonly<Record<string, string>> = {
  'torch.bfloat16': 'amp-bf16',
  'torch.float16': 'amp-fp16',
  'torch.half': 'amp-fp16',
};

/** On CUDA autocast is to float16 unless it is told otherwise. */
function readAutocast(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  const options = optionsOfCall(call, scope);
  if (asBoolean(options.find('enabled')) === false) return;
  const type = options.find('dtype', '1');
  const value = AUTOCAST[asText(type) ?? ''];
  if (type && value) draft.read('precision', value, type.place);
  else if (!type) mark(call, draft, 'precision', 'amp-fp16');
  else draft.leaveOpen('precision', type.unresolved ?? 'the type of autocast is not known');
}

function readFullyShard(call: PythonCall, _: PythonScope, draft: RunDraft): void {
  mark(call, draft, 'parallelism.sharding', 'fsdp-full');
  mark(call, draft, 'parallelism.fsdpVersion', 2);
}

/** `RandomResizedCrop(224)`, `Resize((256, 256))`; the first transform is taken for that of the training data. */
function readImageSize(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  if (draft.has('imageSize')) return;
  const option = optionsOfCall(call, scope).find('size', '0');
  const sides: (number | undefined)[] = Array.isArray(option?.value)
    ? option.value.map((side: Option) => asNumber(side))
    : [asNumber(option)];
  const [height, width = height] = sides;
  if (option && Number.isSafeInteger(height) && Number.isSafeInteger(width))
    draft.read('imageSize', [height, width], option.place);
}
