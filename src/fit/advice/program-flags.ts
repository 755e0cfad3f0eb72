import { settingAt } from '../../run/fields.js';
import type { ProgramOptions, Written } from '../../run/program-options.js';
import type { RunField, TrainingRun } from '../../run/training-run.js';

/** A run and how its program is told things; null where nothing is known of the program. */
export interface Told {
  run: TrainingRun;
  options: ProgramOptions | null;
}

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
  return options?.writers[field]?.(perNode(told, field, value), run) ?? null;
}

/** Whether the run can be told another value: by an option, in the place it was read from, or in code of one's own. */
export function canWrite({ run, options }: Told, field: RunField): boolean {
  const { evidence } = settingAt(run, field);
  if (evidence.kind === 'read' || evidence.kind === 'declared' || field === 'allocator') return true;
  if (options === null || options.isOwnScript === true) return true;
  return options.writers[field] !== undefined && !isOtherOptimizer(run, field);
}
