import { readRuns } from '../../src/launch/read-runs.js';
import type { Grammars } from '../../src/launch/grammars.js';
import type { RunReading } from '../../src/launch/reading.js';
import { loadManifests } from '../../src/cli/input/manifests.js';
import { readWorkload } from '../../src/workload/read-workload.js';
import type { Workload } from '../../src/workload/workload.js';

/** One workload of a file with what each of its pod sets trains. */
export interface ManifestRuns {
  workload: Workload;
  runs: readonly RunReading[];
}

/** Every workload of a file or folder, with what lies beside it, as `plimsoll advise -f` finds it. */
export function manifestRuns(path: string, grammars: Grammars): ManifestRuns[] {
  const set = loadManifests([path]);
  if (set.problems.length > 0) throw new Error(set.problems.join('\n'));
  return set.manifests.flatMap(({ manifest }) => {
    const workload = readWorkload(manifest, set.objectsFor(manifest));
    if (workload === null || workload.owner !== null) return [];
    return [{ workload, runs: readRuns(workload, set.filesFor(manifest), grammars) }];
  });
}
