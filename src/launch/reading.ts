import type { Unknown } from '../run/setting.js';
import type { TrainingRun } from '../run/training-run.js';

/** Files known beside the manifest. Plain look-ups in memory: nothing is opened because a manifest names it. */
export interface FilesAlongside {
  /** Data of a ConfigMap in the workload's namespace, or undefined where it was not given. */
  configMap(name: string): Readonly<Record<string, string>> | undefined;
  /** A file that was given beside the manifests, by its name without folders; undefined where there is none or several. */
  file?(name: string): string | undefined;
}

/** What was read of one pod set that holds GPUs. */
export interface RunReading {
  podSet: string;
  /** false: the pods do not train (they sleep, serve, benchmark, quantise); `notes` says why. */
  training: boolean;
  /**
   * Which of several runs on one device this is (`actor`, `reference`, `teacher`; src/run/device-runs.ts), or `model`.
   * Readings of one pod set that train are runs on one device, the trained one first.
   */
  role: string;
  /** null where not a training run or not even the program is recognised. */
  run: TrainingRun | null;
  unknown: readonly Unknown[];
  notes: readonly string[];
}
