import { readCommandLine } from '../options/command-line.js';
import type { Launcher, LauncherInput, Peeled } from './launcher.js';
import { saidCount, wordsAfter } from './launcher.js';

/** horovod/runner/launch.py: flags without a value. */
const SWITCHES: ReadonlySet<string> = new Set([
  'verbose',
  'disable_cache',
  'autotune',
  'mpi',
  'gloo',
  'jsrun',
  'no_hierarchical_allreduce',
  'hierarchical_allreduce',
  'v',
]);

export const horovodrun: Launcher = {
  name: 'horovodrun',
  peel(input: LauncherInput): Peeled | null {
    const words = wordsAfter(input.words, ['horovodrun'], ['horovod.runner']);
    if (!words) return null;
    const syntax = {
      switches: SWITCHES,
      short: { np: 'num_proc', p: 'ssh_port', H: 'hosts' },
      stopsAtPositional: true,
    };
    const { options, rest } = readCommandLine(words, syntax);
    const worldSize = saidCount(options.find('num_proc', 'np'));
    return { words: rest, ...(worldSize ? { worldSize } : {}) };
  },
};
