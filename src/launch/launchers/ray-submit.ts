import { readCommandLine } from '../options/command-line.js';
import type { Launcher, LauncherInput, Peeled } from './launcher.js';
import { wordsAfter } from './launcher.js';

/** ray/dashboard/modules/job/cli.py and its logging options: flags of `ray job submit` without a value. */
const SWITCHES: ReadonlySet<string> = new Set(['no_wait', 'verbose', 'v']);

/** `ray job submit … [--] COMMAND`: the command runs on the head of the cluster. */
export const raySubmit: Launcher = {
  name: 'ray job submit',
  peel(input: LauncherInput): Peeled | null {
    const words = wordsAfter(input.words, ['ray'], []);
    if (words?.[0]?.text !== 'job' || words[1]?.text !== 'submit') return null;
    const after = words.slice(2);
    const mark = after.findIndex((word) => word.text === '--');
    const own = mark < 0 ? after : after.slice(0, mark);
    const { rest } = readCommandLine(own, { switches: SWITCHES, stopsAtPositional: true });
    if (rest.length > 0) return { words: after.slice(own.length - rest.length) };
    return mark < 0 ? null : { words: after.slice(mark + 1) };
  },
};
