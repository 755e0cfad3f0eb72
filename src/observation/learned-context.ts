import type { LearnedContext } from '../memory/estimate.js';
import { ownPeakOf } from './device-use.js';
import type { PodObservation } from './pod-observation.js';
import { MAD_TO_SIGMA, medianOf, robustSpread } from './robust.js';
import { isComparable } from './standing.js';
import type { StandingRules } from './standing.js';

const MIB = 1024 ** 2;

/** Distinct runs that must have been seen before a constant is believed. */
export const LEAST_RUNS = 8;

/**
 * How far the implied constants may lie apart (one standard deviation). A context is the same for every run of a stack;
 * what differs by more than this from run to run is not the context but something else that is missed, and that must be
 * mended where it is, not spread over all.
 */
const MOST_SPREAD_BYTES = 128 * MIB;

/**
 * What a context can be at all, with its libraries: from the bare one of a T4 to all kernels of an A100 loaded at start
 * (src/memory/device/cuda-context.ts has the sources).
 */
const LEAST_CONTEXT_BYTES = 100 * MIB;
const MOST_CONTEXT_BYTES = 1600 * MIB;

/** Half the width of the interval in standard deviations: all but one run in 370 lies within, of normal ones. */
const SIGMAS = 3;

/**
 * The memory that a process takes beside PyTorch's allocator, by stack and device model: the median, over distinct runs,
 * of what was used less everything else that was expected. Runs of the same settings count once. Nothing is learned
 * below eight of them, where they lie apart, or where what comes out can be no context.
 */
export function learnedContexts(observations: Iterable<PodObservation>, rules: StandingRules): LearnedContext[] {
  const stacks = new Map<string, Stack>();
  for (const observation of observations) {
    // Most are of no known stack: that is the quickest to see.
    if (observation.run?.torch != null && isComparable(observation, rules)) note(stacks, observation);
  }
  return [...stacks].sort(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, stack]) => learned(stack) ?? []);
}

function note(stacks: Map<string, Stack>, { run, device: { deviceClass, model }, use }: PodObservation): void {
  const torch = releaseOf(run?.torch ?? null);
  if (run === null || run.estimate === null || torch === null) return;
  const { framework, fingerprint, estimate } = run;
  const cuda = releaseOf(run.cuda);
  const key = `${framework}|${torch}|${cuda ?? ''}|${deviceClass}`;
  const stack: Stack = stacks.get(key) ?? { framework, torch, cuda, deviceClass, model, implied: new Map() };
  stacks.set(key, stack);
  const rest = estimate.deviceBytes.expected - estimate.contextBytes;
  const implied = stack.implied.get(fingerprint) ?? [];
  stack.implied.set(fingerprint, implied);
  implied.push(ownPeakOf(use) - rest);
}

interface Stack extends Pick<LearnedContext, 'framework' | 'torch' | 'cuda' | 'deviceClass' | 'model'> {
  /** Constants that each fingerprint implies. */
  implied: Map<string, number[]>;
}

function learned({ implied, ...stack }: Stack): LearnedContext | null {
  if (implied.size < LEAST_RUNS) return null;
  const { median, mad, count } = robustSpread([...implied.values()].map(medianOf));
  const sigma = mad * MAD_TO_SIGMA;
  if (sigma > MOST_SPREAD_BYTES || median < LEAST_CONTEXT_BYTES || median > MOST_CONTEXT_BYTES) return null;
  const wide = SIGMAS * sigma;
  const bytes = { low: Math.max(0, median - wide), expected: median, high: median + wide };
  return { ...stack, bytes, runs: count };
}

/** `2.4` of `2.4.1+cu121`: a stack's constant does not change with a patch release. */
function releaseOf(version: string | null): string | null {
  return /^v?(\d{1,6}\.\d{1,6})/.exec(version ?? '')?.[1] ?? null;
}
