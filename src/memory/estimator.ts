import type { ModelCatalog } from '../model/catalog.js';
import { valuesOf } from '../run/fields.js';
import type { RunField, RunValues, TrainingRun } from '../run/training-run.js';
import { roundingOf } from './allocator/rounding.js';
import { breakdownOf, liveByCategory } from './breakdown.js';
import { learnedContextFor } from './device/learned-context.js';
import { DEVICE_MECHANISMS } from './device/mechanisms.js';
import { sumOf } from './device/mechanism.js';
import type { BreakdownCategory, Contributor, DeviceTraits, Estimate, Interval } from './estimate.js';
import type { Forecast } from './forecast.js';
import { forecast, smallestLimitOf } from './forecast.js';
import { NotEstimable } from './not-estimable.js';
import type { RangeEnd } from './range-ends.js';
import { rangedFields, valuesAtEnd } from './range-ends.js';
import { engineEstimate } from './sharing/inference-engine.js';
import { timelineOf } from './timeline.js';
import type { Uncertainty, Widening } from './uncertainty-kind.js';
import { UNCERTAINTIES } from './uncertainty.js';

/** What an estimate starts from. `facts` is the catalog of models. */
export interface EstimateRequest {
  run: TrainingRun;
  device: DeviceTraits;
  facts: { readonly models: ModelCatalog };
  /** Only this stage of a pipeline; left out: the one that needs most. */
  stage?: 'first' | 'last';
}

/** Fields with a range that are evaluated one by one for their share of the interval; others only all together. */
const MOST_SINGLE_RANGES = 6;

/** Something uncertain taken to both of its ends, all else left as expected. */
interface Excursion {
  /** Fields of the run, or what else is uncertain. */
  name: string;
  remedy: string;
  /** Whether it stands for one contributor, or for several at once. */
  isSingle: boolean;
  /** null where that end cannot be estimated. */
  low: Forecast | null;
  high: Forecast | null;
}

/** The run as expected, and taken to the ends of its ranges. */
export interface Evaluation {
  expected: Forecast;
  excursions: readonly Excursion[];
}

/** What a run is evaluated for. */
export interface EvaluationContext {
  device: DeviceTraits;
  models: ModelCatalog;
  stage?: 'first' | 'last';
}

/**
 * GPU memory of one process of a training run on one device.
 *
 * The interval is made of two parts. Settings that were assumed with a range: memory grows with each of them from its
 * low to its high end, so all low ends together bound the figure from below and all high ends from above, whatever the
 * truth within; each is also taken to its ends alone, since reserved memory may fall a little where blocks happen to fit
 * better, and the furthest counts. What the simulation leaves open whatever the settings (uncertainty.ts) widens the ends
 * further, as it was found at the expected values, combined as independent uncertainties. Mechanisms outside the simulation (context, libraries, communication buffers) have
 * intervals of their own, independent of those settings; ends are added to ends. A contributor's width is what lies
 * between its two ends, all else as expected.
 *
 * Throws NotEstimable, which names each missing or unknown field and what would settle it.
 */
export function estimate({ run, device, facts, stage }: EstimateRequest): Estimate {
  const context = { device, models: facts.models, ...(stage === undefined ? {} : { stage }) };
  if (run.activity.value === 'generate') return engineEstimate(run, context);
  return estimateFrom(evaluate(run, context), context);
}

/** The estimate that an evaluation comes to. */
export function estimateFrom(evaluation: Evaluation, context: EvaluationContext): Estimate {
  const { device } = context;
  const { expected } = evaluation;
  const outside = outsideInterval(evaluation, device);
  const widenings = wideningsOf(expected, context);
  const atRest = spread(evaluation, bytesAtRest).low;
  const allocatedBytes = notBelow(
    atRest,
    widened(
      spread(evaluation, (at) => at.unlimited.peakAllocatedBytes),
      widenings.map(({ widening }) => widening.allocated),
    ),
  );
  const reservedBytes = atLeast(
    allocatedBytes,
    widened(
      spread(evaluation, (at) => at.unlimited.peakReservedBytes),
      widenings.map(({ widening }) => widening.reserved),
    ),
  );
  const deviceBytes = sumOf(reservedBytes, outside);
  return {
    allocatedBytes,
    reservedBytes,
    deviceBytes,
    minimumCapacityBytes: atMost(deviceBytes, sumOf(spread(furthest(evaluation), smallestLimitOf), outside)),
    breakdown: breakdownAtPeak(expected, device),
    peak: peakOf(expected),
    timeline: expected.unlimited.series ? timelineOf(expected.events, expected.unlimited.series) : [],
    contributors: contributors(evaluation, widenings, device),
    parameters: expected.parameters,
    notes: [...expected.notes, ...learnedNote(expected, device)],
  };
}

function learnedNote({ values }: Forecast, device: DeviceTraits): readonly string[] {
  const learned = learnedContextFor(values, device.learnedContexts ?? []);
  if (learned === null) return [];
  const { bytes, runs, torch, cuda, deviceClass } = learned;
  const mib = (amount: number): string => (amount / 2 ** 20).toFixed(0);
  const stack = `PyTorch ${torch}${cuda === null ? '' : ` with CUDA ${cuda}`}`;
  const spread = `${mib(bytes.low)} to ${mib(bytes.high)}`;
  return [
    `the CUDA context of ${mib(bytes.expected)} MiB (${spread}) is what ${runs} runs of ${stack} on ${deviceClass} of this cluster showed`,
  ];
}

/** Forecasts of a run as expected and at the ends of its ranges. Throws NotEstimable as `estimate` does. */
export function evaluate(run: TrainingRun, context: EvaluationContext): Evaluation {
  const expected = forecast(valuesOf(run), { ...context, series: true });
  const fields = rangedFields(run);
  const at = endsOf(run, expected, context);
  const single = fields.slice(0, MOST_SINGLE_RANGES).map((field) => [field]);
  const together = fields.length > 1 ? [fields] : [];
  const excursions = [...single, ...together].map((set): Excursion => ({
    name: set.join(', '),
    remedy: `write ${set.join(', ')} where it can be read, or declare it in plimsoll.dev/run`,
    isSingle: set.length === 1,
    low: at('low', set),
    high: at('high', set),
  }));
  return { expected, excursions };
}

/** Forecasts of a run at the ends of its ranges, each set of values once; null where an end cannot be estimated. */
function endsOf(
  run: TrainingRun,
  expected: Forecast,
  context: EvaluationContext,
): (end: RangeEnd, fields: readonly RunField[]) => Forecast | null {
  const known = new Map<string, Forecast | null>([[JSON.stringify(valuesOf(run)), expected]]);
  return (end: RangeEnd, fields: readonly RunField[]): Forecast | null => {
    const values = valuesAtEnd(run, end, fields);
    const key = JSON.stringify(values);
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = forecastOrNull(values, context);
    known.set(key, made);
    return made;
  };
}

function forecastOrNull(values: RunValues, context: EvaluationContext): Forecast | null {
  try {
    return forecast(values, context);
  } catch (error) {
    if (error instanceof NotEstimable) return null;
    throw error;
  }
}

/** Only the excursion of all fields together: the search for the smallest limit costs several replays. */
const furthest = ({ expected, excursions }: Evaluation): Evaluation => ({ expected, excursions: excursions.slice(-1) });

/** A figure over all excursions. */
export function spread({ expected, excursions }: Evaluation, figure: (at: Forecast) => number): Interval {
  const value = figure(expected);
  const lows = excursions.flatMap(({ low }) => (low ? [figure(low)] : []));
  const highs = excursions.flatMap(({ high }) => (high ? [figure(high)] : []));
  return { low: Math.min(value, ...lows), expected: value, high: Math.max(value, ...highs) };
}

/** What a process holds outside of the allocator. */
export function outsideInterval(evaluation: Evaluation, device: DeviceTraits): Interval {
  const total = (at: Forecast): Interval =>
    DEVICE_MECHANISMS.map((mechanism) => mechanism.bytes(at.values, device)).reduce(sumOf);
  return {
    low: spread(evaluation, (at) => total(at).low).low,
    expected: total(evaluation.expected).expected,
    high: spread(evaluation, (at) => total(at).high).high,
  };
}

function breakdownAtPeak(
  { events, unlimited, allocator, values }: Forecast,
  device: DeviceTraits,
): Estimate['breakdown'] {
  const live = liveByCategory(events, unlimited.peakAllocatedEvent, roundingOf(allocator));
  const outside = DEVICE_MECHANISMS.map((mechanism) => ({
    category: mechanism.category,
    bytes: mechanism.bytes(values, device).expected,
  }));
  return breakdownOf(live, unlimited.peakReservedBytes, outside);
}

/** Where the most is allocated. */
export function peakOf({ events, unlimited }: Pick<Forecast, 'events' | 'unlimited'>): Estimate['peak'] {
  const at = unlimited.peakAllocatedEvent;
  const phase = events.phases.findLast(({ firstEvent }) => firstEvent <= at);
  const block = events.events[at] ?? 0;
  return {
    phase: phase?.name ?? 'model',
    iteration: phase?.iteration ?? 1,
    operation: events.operationNames[events.operations[block] ?? 0] ?? '',
  };
}

type NamedWidening = Pick<Uncertainty, 'name' | 'remedy'> & { widening: Widening };

/** What the simulation cannot settle, as far as it plays a part in this run. */
function wideningsOf(expected: Forecast, context: EvaluationContext): readonly NamedWidening[] {
  const again = (values: RunValues): Forecast | null => forecastOrNull(values, context);
  return UNCERTAINTIES.flatMap((uncertainty) => {
    const widening = uncertainty.widening(expected, again);
    return widening === null ? [] : [{ name: uncertainty.name, remedy: uncertainty.remedy, widening }];
  });
}

/**
 * An interval with its widenings added to its ends. They are of things that have nothing to do with each other, so that
 * not all of them are at their ends at once: they combine as independent uncertainties do.
 */
function widened({ low, expected, high }: Interval, by: readonly { below: number; above: number }[]): Interval {
  const below = combined(by.map((one) => -one.below));
  const above = combined(by.map((one) => one.above));
  return { low: low - below, expected, high: high + above };
}

/** What stays on the device from one iteration to the next. */
const LASTING: readonly BreakdownCategory[] = ['parameters', 'buffers', 'optimizer-state'];

/** Bytes that the run holds when its last iteration has ended: no peak is lower, whatever else is uncertain. */
function bytesAtRest({ events, allocator }: Forecast): number {
  const live = liveByCategory(events, events.events.length - 1, roundingOf(allocator));
  return LASTING.reduce((sum, category) => sum + (live.get(category) ?? 0), 0);
}

/** An interval whose low end is at least `floor`, where that is not above what is expected. */
const notBelow = (floor: number, { low, expected, high }: Interval): Interval => ({
  low: Math.min(expected, Math.max(floor, low)),
  expected,
  high,
});

/** Coverage factor of an expanded uncertainty of about 95 % (JCGM 100:2008, 6.3.3). */
const COVERAGE_FACTOR = 2;
/** Standard uncertainty of a quantity of which only its ends are known, over half its width (JCGM 100:2008, 4.3.7). */
const OF_A_RECTANGLE = 1 / Math.sqrt(3);

/** Bytes that independent excursions of these sizes make together; never more than their sum. */
function combined(ends: readonly number[]): number {
  const expanded = COVERAGE_FACTOR * OF_A_RECTANGLE * Math.hypot(...ends);
  return Math.round(
    Math.min(
      expanded,
      ends.reduce((sum, one) => sum + one, 0),
    ),
  );
}

/** Nothing is allocated that is not reserved; the ends of both were widened apart. */
const atLeast = (bound: Interval, interval: Interval): Interval => ({
  low: Math.max(bound.low, interval.low),
  expected: interval.expected,
  high: Math.max(bound.high, interval.high),
});

/** What is read on a device with room is always enough, so no end of the least capacity lies beyond it. */
const atMost = (bound: Interval, interval: Interval): Interval => ({
  low: Math.min(bound.low, interval.low),
  expected: Math.min(bound.expected, interval.expected),
  high: Math.min(bound.high, interval.high),
});

/** By falling width: the ranged settings one by one, what the simulation leaves open, and the mechanisms. */
function contributors(
  { expected, excursions }: Evaluation,
  widenings: readonly NamedWidening[],
  device: DeviceTraits,
): readonly Contributor[] {
  const settings = excursions.filter(({ isSingle }) => isSingle).map(settingContributor);
  const mechanisms = DEVICE_MECHANISMS.map((mechanism): Contributor => {
    const { low, high } = mechanism.bytes(expected.values, device);
    return { name: mechanism.name, widthBytes: high - low, remedy: mechanism.remedy };
  });
  const open = widenings.map(({ name, remedy, widening: { reserved } }): Contributor => ({
    name,
    widthBytes: reserved.above - reserved.below,
    remedy,
  }));
  return [...settings, ...open, ...mechanisms]
    .filter(({ widthBytes }) => widthBytes > 0)
    .sort((a, b) => b.widthBytes - a.widthBytes);
}

function settingContributor({ name, remedy, low, high }: Excursion): Contributor {
  const width = low && high ? high.unlimited.peakReservedBytes - low.unlimited.peakReservedBytes : 0;
  return { name, remedy, widthBytes: Math.max(0, width) };
}
