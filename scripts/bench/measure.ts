/** Milliseconds of one piece of work, repeated in one process. */
export interface Times {
  median: number;
  /** A tenth of the repetitions were quicker, a tenth slower. */
  p10: number;
  p90: number;
  repetitions: number;
}

/** Times of some work and of what it is held against, taken in turn, so that a busy machine slows both alike. */
export interface Paired {
  subject: Times;
  reference: Times;
  /** Median of the subject over median of the reference. */
  ratio: number;
}

export interface PairOptions {
  /** Milliseconds that may be spent; at least three repetitions are made. */
  budgetMs: number;
  /** Times that the reference is repeated for each time of the subject, where it is too short for the clock. */
  referenceLoops?: number;
  /** The same of the subject. */
  subjectLoops?: number;
  /** Gives milliseconds; those that pass where left out. Work that waits for nothing is timed by those of the processor. */
  clock?: () => number;
}

/** Milliseconds of the processor that this process has used: what other programs take meanwhile does not count. */
export function processorMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

const FEWEST = 3;
const MOST = 2000;
const WARM_UP_SHARE = 0.25;

/** Median, spread and ratio of two synchronous pieces of work, warm. */
export function inTurn(subject: () => unknown, reference: () => unknown, options: PairOptions): Paired {
  const {
    budgetMs,
    subjectLoops = 1,
    referenceLoops = 1,

    clock = () => performance.now(),
  } = options;
  const once = (): [number, number] => [timed(subject, subjectLoops, clock), timed(reference, referenceLoops, clock)];
  const start = clock();
  const spent = (): number => clock() - start;
  do once();
  while (spent() < budgetMs * WARM_UP_SHARE);
  const pairs: [number, number][] = [];
  while (pairs.length < FEWEST || (spent() < budgetMs && pairs.length < MOST)) pairs.push(once());
  return paired(
    pairs.map(([first]) => first),
    pairs.map(([, second]) => second),
  );
}

/** Median, spread and ratio of times that were taken in turn; milliseconds. */
export function paired(subjects: readonly number[], references: readonly number[]): Paired {
  const [subject, reference] = [timesOf(subjects), timesOf(references)];
  return { subject, reference, ratio: subject.median / reference.median };
}

function timed(work: () => unknown, loops: number, clock: () => number): number {
  const start = clock();
  for (let loop = 0; loop < loops; loop++) keep(work());
  return (clock() - start) / loops;
}

function timesOf(milliseconds: readonly number[]): Times {
  const sorted = milliseconds.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN;
  return { median: at(0.5), p10: at(0.1), p90: at(0.9), repetitions: sorted.length };
}

let kept: unknown = null;
/** Results are looked at, so that no work can be left out as useless. */
function keep(result: unknown): void {
  if (result !== kept) kept = result;
}

/** Steps of the fixed loop. */
export const LOOP_STEPS = 10_000_000;

/** A fixed loop of integer arithmetic: how fast this machine is just now. */
export function integerLoop(): number {
  let state = 1;
  for (let step = 0; step < LOOP_STEPS; step++) state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
  return state;
}
