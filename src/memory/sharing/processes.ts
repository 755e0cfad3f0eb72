import { smallestSurvivingLimit } from '../allocator/smallest-limit.js';
import type { Replay } from '../allocator/replay.js';
import { replay } from '../allocator/replay.js';
import { roundingOf } from '../allocator/rounding.js';
import type { Estimate, Interval } from '../estimate.js';
import type { Evaluation } from '../estimator.js';
import { spread } from '../estimator.js';
import type { MemoryEvents } from '../events.js';
import { mergedEvents } from './merged-events.js';
import { placedBytes, restingBytes } from './resting.js';

/** A run that trains or evaluates, as it is by itself. */
export interface Member {
  role: string;
  evaluation: Evaluation;
  estimate: Estimate;
  /** What it holds while others have their turns. */
  resting: Interval;
  /** Weights that it works with and that the trained model holds anyway. */
  borrowed: Interval;
  /** What its process holds outside of the allocator. */
  outside: Interval;
}

/** Runs that share one process, the trained one first. */
export interface ProcessForecast {
  members: readonly Member[];
  events: MemoryEvents;
  unlimited: Replay;
  allocated: Interval;
  reserved: Interval;
  /** The least with which the process gets through. */
  limit: Interval;
  resting: Interval;
  outside: Interval;
}

const ITERATIONS = 2;

type End = keyof Interval;
type Figure = (member: Member) => Interval;

const atEnds = (figure: (end: End) => number): Interval => ({
  low: figure('low'),
  expected: figure('expected'),
  high: figure('high'),
});

const minus = (a: Interval, b: Interval): Interval => atEnds((end) => Math.max(0, a[end] - b[end]));
const total = (intervals: readonly Interval[]): Interval =>
  atEnds((end) => intervals.reduce((sum, one) => sum + one[end], 0));

/** What the run holds between turns, over the ends of its ranges. */
export function restingOf(evaluation: Evaluation): Interval {
  return spread(evaluation, ({ events, values, allocator }) => restingBytes(events, values, roundingOf(allocator)));
}

const NONE: Interval = { low: 0, expected: 0, high: 0 };

/** The weights of a run that has none of its own, where they stay on the device. */
export function borrowedOf(evaluation: Evaluation, keepsWeights: boolean): Interval {
  if (!evaluation.expected.values.sharing.borrowsWeights || !keepsWeights) return NONE;
  return spread(evaluation, ({ events, allocator }) => placedBytes(events, roundingOf(allocator)));
}

const limitOf: Figure = ({ estimate, outside }) => minus(estimate.minimumCapacityBytes, outside);

const isWithin = ({ evaluation }: Member): boolean => evaluation.expected.values.sharing.turn === 'within-step';

/** A run that has left the device before the others come. */
const isEarlier = ({ evaluation }: Member): boolean => evaluation.expected.values.sharing.turn === 'before-placing';

/** What a run takes at work beyond what it holds. */
export function workingBytes(member: Member, figure: Figure = ({ estimate }) => estimate.reservedBytes): Interval {
  return minus(figure(member), total([member.resting, member.borrowed]));
}

/** The largest turn: a run at work, with what all hold; those within the trained one's step work on top of it. */
function largestTurn(members: readonly Member[], figure: Figure, end: End): number {
  const held = members.reduce((sum, { resting }) => sum + resting[end], 0);
  const within = members.filter(isWithin).map((member) => workingBytes(member, figure)[end]);
  const turns = members
    .filter((member) => !isWithin(member) && !isEarlier(member))
    .map((member, index) => workingBytes(member, figure)[end] + (index === 0 ? Math.max(0, ...within) : 0));
  const earlier = members.filter(isEarlier).map((member) => figure(member)[end]);
  return Math.max(held + Math.max(...turns), ...earlier);
}

/**
 * A process with one model or several. Of several the events are played one after the other through one allocator, which
 * says what is expected; ends are those of the members, turn by turn, shifted by what sharing the allocator changes.
 */
export function processForecast(members: readonly Member[]): ProcessForecast {
  const [main, ...others] = members as [Member, ...Member[]];
  const outside = main.outside;
  if (others.length === 0) {
    const { events, unlimited } = main.evaluation.expected;
    const { allocatedBytes: allocated, reservedBytes: reserved } = main.estimate;
    return { members, events, unlimited, allocated, reserved, limit: limitOf(main), resting: main.resting, outside };
  }
  const { allocator, values } = main.evaluation.expected;
  const partOf = ({ evaluation }: Member): Evaluation['expected'] => evaluation.expected;
  const events = mergedEvents(partOf(main), others.map(partOf), ITERATIONS);
  const unlimited = replay(events, allocator, Infinity, { series: true });
  const limit = smallestSurvivingLimit(events, allocator, {
    unlimited,
    toleranceBytes: unlimited.peakReservedBytes / 200,
  });
  const ends = (figure: Figure, found: number | null): Interval => {
    const by = atEnds((end) => largestTurn(members, figure, end));
    return found === null ? by : shifted(by, found);
  };
  const allocated = ends(({ estimate }) => estimate.allocatedBytes, unlimited.peakAllocatedBytes);
  const reservedBytes = values.sharing.emptiesCache ? null : unlimited.peakReservedBytes;
  const reserved = ends(({ estimate }) => estimate.reservedBytes, reservedBytes);
  return {
    members,
    events,
    unlimited,
    allocated,
    reserved: atEnds((end) => Math.max(reserved[end], allocated[end])),
    limit: ends(limitOf, limit),
    resting: total(members.map(({ resting }) => resting)),
    outside,
  };
}

/** The interval moved so that it expects what was found. */
function shifted(interval: Interval, found: number): Interval {
  const by = found - interval.expected;
  return atEnds((end) => Math.max(0, interval[end] + by));
}
