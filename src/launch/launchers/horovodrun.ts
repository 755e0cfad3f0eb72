import { readCommandLine } from '../options/command-line.js';
import type { Launcher, LauncherInput, Peeled } from './launcher.js';
import { saidCount, wordsAfter } from './launcher.js';

/** horovod/runner/launch.py: flags without a value. */
const SWITCHES: ReadonlySet<string> = new Set([
  'autotune',
  'cb',
  'check_build',
  'disable_cache',
  'gloo',
  'hierarchical_allgather',
  'hierarchical_allreduce',
  'jsrun',
  'log_hide_timestamp',
  'log_with_timestamp',
  'log_without_timestamp',
  'mpi',
  'mpi_threads_disable',
  'no_autotune',
  'no_hierarchical_allgather',
  'no_hierarchical_allreduce',
  'no_log_hide_timestamp',
  'no_mpi_threads_disable',
  'no_stall_check',
  'no_timeline_mark_cycles',
  'prefix_output_with_timestamp',
  'stall_check',
  'tcp',
  'timeline_mark_cycles',
  'v',
  'verbose',
  'version',
]);

export const horovodrun: Launcher = {
  name: 'horovodrun',
  peel(input: LauncherInput): Peeled | null {
    const words = wordsAfter(input.words, ['horovodrun'], ['horovod.runner.launch']);
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
