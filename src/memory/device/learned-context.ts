import type { RunValues } from '../../run/training-run.js';
import type { LearnedContext } from '../estimate.js';
import { versionOf } from './versions.js';

/** The learned context that stands for this run; null where none was learned of its stack. */
export function learnedContextFor(run: RunValues, contexts: readonly LearnedContext[]): LearnedContext | null {
  const [torch, cuda] = [releaseOf(run, 'torch'), releaseOf(run, 'cuda')];
  const ofStack = contexts.filter(
    (context) => context.framework === run.framework.name && context.torch === torch && context.cuda === cuda,
  );
  const whole = ofStack.find(({ deviceClass, model }) => deviceClass === model);
  return whole ?? ofStack.toSorted((a, b) => b.runs - a.runs || (a.deviceClass < b.deviceClass ? -1 : 1))[0] ?? null;
}

const releaseOf = (run: RunValues, name: string): string | null => {
  const version = versionOf(run, name);
  return version === null || version.length < 2 ? null : version.slice(0, 2).join('.');
};
