import { settingAt } from '../../run/fields.js';
import type { ProgramOptions, Told as Values, Written } from '../../run/program-options.js';
import type { Evidence } from '../../run/setting.js';
import type { RunField, TrainingRun } from '../../run/training-run.js';
import { isRunEdit } from './edits.js';
import type { Edit } from './proposal.js';

/** A run and how its program is told things; null where nothing is known of the program. */
export interface Told {
  run: TrainingRun;
  options: ProgramOptions | null;
  /** What it is told together; nothing else where left out. */
  edits?: readonly Edit[];
}

const valuesOf = (edits: readonly Edit[]): Values =>
  Object.fromEntries(edits.filter(isRunEdit).map(({ field, value }) => [field, value]));

/** PYTORCH_ALLOC_CONF came with PyTorch 2.9; the older name is understood by every version. */
const allocatorVariable = (value: unknown): Written => ({
  option: 'PYTORCH_CUDA_ALLOC_CONF',
  value: String(value),
  style: 'environment',
});

/** The names of optimizer variants that programs have are AdamW's. */
const isOtherOptimizer = (run: TrainingRun, field: RunField): boolean =>
  field === 'optimizer.implementation' && run.optimizer.name.value !== 'adamw';

/** The number to write for a micro-batch: that of the node where the program divides it by itself. */
function perNode({ run, options }: Told, field: RunField, value: unknown): unknown {
  const isDivided = options?.batchIsPerNode === true && run.microBatchSize.evidence.kind === 'derived';
  return field === 'microBatchSize' && isDivided ? Number(value) * run.processesPerNode.value : value;
}

/** How this run's program is told a value; null where nothing is known to say it. */
export function writtenFor(told: Told, field: RunField, value: unknown): Written | null {
  const { run, options } = told;
  if (field === 'allocator') return allocatorVariable(value);
  if (isOtherOptimizer(run, field)) return null;
  return options?.writers[field]?.(perNode(told, field, value), run, valuesOf(told.edits ?? [])) ?? null;
}

/** Whether the run can be told another value: by an option, in the place it was read from, or in code of one's own. */
export function canWrite({ run, options }: Told, field: RunField): boolean {
  const { evidence } = settingAt(run, field);
  if (evidence.kind === 'read' || evidence.kind === 'declared' || field === 'allocator') return true;
  if (options === null || options.isOwnScript === true) return true;
  return options.writers[field] !== undefined && !isOtherOptimizer(run, field);
}

/** Settings that follow from others which the same proposal states. */
const SILENT: ReadonlySet<string> = new Set([
  'kernels',
  'worldSize',
  'parallelism.data',
  'parallelism.shardSize',
  'globalBatchSize',
  'peft.dropout',
]);

/** Whether the program works the accumulation out from a global batch, which stays: nobody tells it. */
export function accumulationFollows({
  gradientAccumulationSteps,
  microBatchSize,
  globalBatchSize,
}: TrainingRun): boolean {
  const isOfRows = isFrom(globalBatchSize.evidence, 'microBatchSize');
  return isFromGlobal(gradientAccumulationSteps.evidence) && !isFromGlobal(microBatchSize.evidence) && !isOfRows;
}

/** Whether the batch of a device is a share of a global one. */
export const sizeFollows = ({ microBatchSize }: TrainingRun): boolean => isFromGlobal(microBatchSize.evidence);

/** Whether accumulation is what a global batch leaves for it, whoever says how large that is. */
export const accumulatesToGlobal = ({ gradientAccumulationSteps }: TrainingRun): boolean =>
  isFromGlobal(gradientAccumulationSteps.evidence);

const isFrom = (evidence: Evidence, field: RunField): boolean =>
  evidence.kind === 'derived' && evidence.from.includes(field);
const isFromGlobal = (evidence: Evidence): boolean => isFrom(evidence, 'globalBatchSize');

/** Whether nobody has to write an edit: it follows from others, or is what the program does by itself. */
export function needsNoWord(edit: Edit, told: Told): boolean {
  if (!isRunEdit(edit)) return false;
  const { field, value } = edit;
  if (edit.follows === true) return true;
  if (SILENT.has(field) && told.options?.writers[field] === undefined) return true;
  if (field === 'gradientAccumulationSteps') return accumulationFollows(told.run);
  // As many processes as there are devices, unless somebody says how many.
  if (field === 'processesPerNode') return followsDevices(told.run.processesPerNode.evidence);
  // All linear layers are what those programs adapt that have no option for it.
  return field === 'peft.targetModules' && writtenFor(told, field, value) === null;
}

const followsDevices = (evidence: Evidence): boolean =>
  evidence.kind === 'default' || (evidence.kind === 'derived' && evidence.from.includes('devices'));

/** Whether another number can be written where the one that is now was read, perhaps as a multiple of it. */
function standsAsNumber({ run }: Told, field: RunField, value: unknown): boolean {
  const { value: before, evidence } = settingAt(run, field);
  if (typeof before !== 'number' || typeof value !== 'number') return false;
  return (
    evidence.kind === 'read' || (evidence.kind === 'derived' && evidence.place !== undefined) || isFromRead(run, field)
  );
}

const isFromRead = (run: TrainingRun, field: RunField): boolean =>
  isFromGlobal(settingAt(run, field).evidence) && run.globalBatchSize.evidence.kind === 'read';

/** Whether a program can be told an edit: not only the field, this very value. */
export function canTell(edit: Edit, told: Told): boolean {
  const { run, options } = told;
  if (!isRunEdit(edit) || needsNoWord(edit, told)) return true;
  const { field, value } = edit;
  const { value: before, evidence, range } = settingAt(run, field);
  if (range === undefined && JSON.stringify(before) === JSON.stringify(value)) return true;
  if (options === null || options.isOwnScript === true || evidence.kind === 'declared') return true;
  return writtenFor(told, field, value) !== null || standsAsNumber(told, field, value);
}
