import { readCommandLine } from '../options/command-line.js';
import type { Launcher, LauncherInput, Peeled } from './launcher.js';
import { innerCommand, saidCount, wordsAfter } from './launcher.js';

/** Letters and switches of Composer's launcher (composer/cli/launcher.py). */
const SWITCHES: ReadonlySet<string> = new Set(['module_mode', 'command_mode', 'verbose', 'v', 'm', 'c']);
const SHORT: Readonly<Record<string, string>> = { n: 'nproc' };

/** `composer -n 8 train.py …`: as many processes as there are visible GPUs, unless `-n` says another number. */
export const composer: Launcher = {
  name: 'composer',
  peel(input: LauncherInput): Peeled | null {
    const words = wordsAfter(input.words, ['composer'], ['composer.cli.launcher']);
    if (!words) return null;
    const line = readCommandLine(words, { switches: SWITCHES, short: SHORT, stopsAtPositional: true });
    const world = saidCount(line.options.find('world_size'));
    return {
      words: innerCommand(line.rest, {
        module: line.options.has('m', 'module_mode'),
        plain: line.options.has('c', 'command_mode'),
      }),
      processesPerNode: saidCount(line.options.find('nproc')) ?? { value: 'gpu', place: null },
      ...(world === undefined ? {} : { worldSize: world }),
    };
  },
};
