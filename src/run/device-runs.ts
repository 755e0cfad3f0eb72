import type { RunValues, TrainingRun } from './training-run.js';

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
