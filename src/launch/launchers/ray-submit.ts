import type { Launcher, LauncherInput, Peeled } from './launcher.js';
import { wordsAfter } from './launcher.js';

/** `ray job submit … -- COMMAND`: the command runs on the head of the cluster. */
export const raySubmit: Launcher = {
  name: 'ray job submit',
  peel(input: LauncherInput): Peeled | null {
    const words = wordsAfter(input.words, ['ray'], []);
    if (words?.[0]?.text !== 'job' || words[1]?.text !== 'submit') return null;
    const mark = words.findIndex((word) => word.text === '--');
    return mark < 0 ? null : { words: words.slice(mark + 1) };
  },
};
