import type { Verdict } from '../fit/assessment.js';

/** What the process ends with, for scripts and CI. */
export const EXIT = { fits: 0, error: 1, willNotFit: 3 } as const;
export type ExitStatus = (typeof EXIT)[keyof typeof EXIT];

const FAILING: readonly Verdict[] = ['will-not-fit', 'unschedulable'];

/** 3 where something will not fit or has no place, 1 where something could not be read, else 0. */
export function exitStatusOf(verdicts: readonly Verdict[], problems: number): ExitStatus {
  if (verdicts.some((verdict) => FAILING.includes(verdict))) return EXIT.willNotFit;
  return problems > 0 ? EXIT.error : EXIT.fits;
}
