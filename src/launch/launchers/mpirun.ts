import { isAssignment } from '../shell/prefixes.js';
import type { Tracked } from '../text/tracked.js';
import { textOption } from '../options/option.js';
import type { Launcher, LauncherInput, Peeled } from './launcher.js';
import { saidCount, wordsAfter } from './launcher.js';

/** Open MPI 4/5 mpirun(1): flags and the number of words that each takes; others take none. */
const ARITY: Readonly<Record<string, number>> = {
  '-np': 1,
  '-n': 1,
  '--np': 1,
  '-c': 1,
  '--n': 1,
  '-H': 1,
  '-host': 1,
  '--host': 1,
  '-hostfile': 1,
  '--hostfile': 1,
  '-machinefile': 1,
  '--machinefile': 1,
  '-x': 1,
  '-wdir': 1,
  '--wdir': 1,
  '-wd': 1,
  '--prefix': 1,
  '-path': 1,
  '-bind-to': 1,
  '--bind-to': 1,
  '-map-by': 1,
  '--map-by': 1,
  '-rank-by': 1,
  '--rank-by': 1,
  '-npernode': 1,
  '--npernode': 1,
  '-N': 1,
  '-ppn': 1,
  '-perhost': 1,
  '-mca': 2,
  '--mca': 2,
  '-gmca': 2,
  '--gmca': 2,
  '-genv': 2,
  '--output-filename': 1,
  '-output-filename': 1,
  '--oversubscribe': 0,
  '--allow-run-as-root': 0,
  '-f': 1,
  '--timeout': 1,
  '-timeout': 1,
  '--app': 1,
  '--rankfile': 1,
  '-rf': 1,
  '--mca-base-env-list': 1,
};

const TOTAL: ReadonlySet<string> = new Set(['-np', '-n', '--np', '--n', '-c']);
const PER_NODE: ReadonlySet<string> = new Set(['-npernode', '--npernode', '-N', '-ppn', '-perhost']);

export const mpirun: Launcher = {
  name: 'mpirun',
  peel(input: LauncherInput): Peeled | null {
    const words = wordsAfter(input.words, ['mpirun', 'mpiexec', 'orterun', 'mpiexec.hydra'], []);
    return words ? readMpi(words) : null;
  },
};

/** One rank runs the command itself; `-np` counts ranks on all hosts. */
function readMpi(words: readonly Tracked[]): Peeled {
  const env = new Map<string, Tracked>();
  const says: Peeled = { words: [], env };
  let at = 0;
  while (at < words.length && words[at]?.text.startsWith('-')) {
    const flag = words[at] as Tracked;
    const value = words[at + 1];
    const arity = Object.hasOwn(ARITY, flag.text) ? (ARITY[flag.text] ?? 0) : 0;
    if (value && arity > 0) readFlag(flag.text, value, says, env);
    at += 1 + arity;
  }
  return { ...says, words: words.slice(at) };
}

function readFlag(flag: string, value: Tracked, says: Peeled, env: Map<string, Tracked>): void {
  const count = saidCount(textOption(flag, value));
  if (TOTAL.has(flag) && count) says.worldSize = count;
  if (PER_NODE.has(flag) && count) says.processesPerNode = count;
  if (flag !== '-x' || !isAssignment(value)) return;
  const equals = value.text.indexOf('=');
  env.set(value.text.slice(0, equals), value.slice(equals + 1));
}
