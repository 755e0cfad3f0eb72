import { settingAt } from './fields.js';
import type { RunField, RunValues, TrainingRun } from './training-run.js';

/** A run in its role among those that share a device: `actor`, `reference`, `critic`, `rollout`, `teacher`, ... */
export interface RoleRun {
  /** `model` where it is the only one. */
  role: string;
  run: TrainingRun;
}

/**
 * The runs of one device, the trained one first. Reinforcement learning and distillation hold several models: each is a
 * run of its own, which says what is done with it (`activity`) and how it shares the device (`sharing`). Runs have their
 * turns one after the other; the others then hold only what they keep. Those of the common process share its allocator.
 */
export type DeviceRuns = readonly RoleRun[];

/** How a run that shares its device with no other stands in `sharing`. */
export const ALONE: RunValues['sharing'] = {
  process: 'common',
  turn: 'apart',
  keepsParameters: true,
  keepsOptimizerStates: true,
  emptiesCache: false,
  borrowsWeights: false,
  deviceShare: null,
};

/** What a further run has of the trained one where nothing else is said of it. */
export const INHERITED: readonly RunField[] = [
  'model',
  'task',
  'microBatchSize',
  'rowsPerSample',
  'program',
  'framework',
  'precision',
  'weights',
  'attention',
  'sequenceLength',
  'imageSize',
  'frames',
  'kernels',
  'packing',
  'allocator',
  'nodes',
  'processesPerNode',
  'parallelism.sharding',
  'parallelism.fsdpVersion',
  'parallelism.tensor',
  'parallelism.pipeline',
  'parallelism.context',
  'parallelism.expert',
  'trainingStep.keepsOutputs',
  'trainingStep.castsOutputs',
];

/** The note on defaults of a model that is trained with the first one, in the same way. */
export const AS_THE_POLICY = 'as the policy';

/** Whether a field of a further run is the trained one's own: nothing else was said of it. */
export function isInherited(field: RunField, other: TrainingRun, trained: TrainingRun): boolean {
  const setting = settingAt(other, field);
  if (setting.evidence.kind === 'default' && setting.evidence.note === AS_THE_POLICY) return true;
  return INHERITED.includes(field) && JSON.stringify(setting) === JSON.stringify(settingAt(trained, field));
}
