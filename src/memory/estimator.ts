import type { ModelCatalog } from '../model/catalog.js';
import { valuesOf } from '../run/fields.js';
import type { RunField, TrainingRun } from '../run/training-run.js';
import { roundingOf } from './allocator/rounding.js';
import { breakdownOf, liveByCategory } from './breakdown.js';
import { DEVICE_MECHANISMS } from './device/mechanisms.js';
import { sumOf } from './device/mechanism.js';
import type { Contributor, DeviceTraits, Estimate, Interval } from './estimate.js';
import type { Forecast } from './forecast.js';
import { forecast, smallestLimitOf } from './forecast.js';
import { NotEstimable } from './not-estimable.js';
import { rangedFields, valuesAtEnd } from './range-ends.js';
import { timelineOf } from './timeline.js';

/** What an estimate starts from. `facts` is the catalog of models. */
export interface EstimateRequest {
  run: TrainingRun;
  device: DeviceTraits;
  facts: { readonly models: ModelCatalog };
}

/** Fields with a range that are evaluated one by one for their share of the interval; more are lumped together. */
const MOST_SINGLE_RANGES = 6;

/** The least and the most that each of the figures may be, beside the expected one. */
interface Ends {
  low: Forecast;
  expected: Forecast;
  high: Forecast;
}

/**
 * GPU memory of one process of a training run on one device.
 *
 * The interval is made of two parts. Settings that were assumed with a range: memory grows with each of them from its
 * low to its high end, so all low ends together bound the figure from below and all high ends from above, whatever the
 * truth within. Mechanisms outside the simulation (context, libraries, communication buffers) have intervals of their
 * own, independent of those settings; ends are added to ends. Each contributor's width is what the interval would lose
 * if only it were known.
 *
 * Throws NotEstimable, which names each missing or unknown field and what would settle it.
 */
export function estimate({ run, device, facts }: EstimateRequest): Estimate {
  const context = { device, models: facts.models };
  const fields = rangedFields(run);
  const expected = forecast(valuesOf(run), { ...context, series: true });
  const ends: Ends = {
    expected,
    low: fields.length === 0 ? expected : (atEnd(run, 'low', fields, context) ?? expected),
    high: fields.length === 0 ? expected : (atEnd(run, 'high', fields, context) ?? expected),
  };
  const outside = outsideInterval(ends, device);
  const reservedBytes = spread(ends, (at) => at.unlimited.peakReservedBytes);
  return {
    allocatedBytes: spread(ends, (at) => at.unlimited.peakAllocatedBytes),
    reservedBytes,
    deviceBytes: sumOf(reservedBytes, outside),
    minimumCapacityBytes: sumOf(spread(ends, smallestLimitOf), outside),
    breakdown: breakdownAtPeak(expected, device),
    peak: peakOf(expected),
    timeline: expected.unlimited.series ? timelineOf(expected.events, expected.unlimited.series) : [],
    contributors: contributors(run, expected, fields, context),
    parameters: expected.parameters,
    notes: expected.notes,
  };
}

type Context = { device: DeviceTraits; models: ModelCatalog };

/** The run with some fields at one end of their range; null where that end cannot be estimated. */
function atEnd(run: TrainingRun, end: 'low' | 'high', fields: readonly RunField[], context: Context): Forecast | null {
  try {
    return forecast(valuesAtEnd(run, end, fields), context);
  } catch (error) {
    if (error instanceof NotEstimable) return null;
    throw error;
  }
}

/** A figure at the ends; never inside out where a figure falls although its input grows. */
function spread(ends: Ends, figure: (at: Forecast) => number): Interval {
  const expected = figure(ends.expected);
  return {
    low: ends.low === ends.expected ? expected : Math.min(expected, figure(ends.low)),
    expected,
    high: ends.high === ends.expected ? expected : Math.max(expected, figure(ends.high)),
  };
}

function outsideInterval(ends: Ends, device: DeviceTraits): Interval {
  const total = (at: Forecast): Interval =>
    DEVICE_MECHANISMS.map((mechanism) => mechanism.bytes(at.values, device)).reduce(sumOf);
  const expected = total(ends.expected);
  return {
    low: Math.min(expected.low, total(ends.low).low),
    expected: expected.expected,
    high: Math.max(expected.high, total(ends.high).high),
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

function peakOf({ events, unlimited }: Forecast): Estimate['peak'] {
  const at = unlimited.peakAllocatedEvent;
  const phase = events.phases.findLast(({ firstEvent }) => firstEvent <= at);
  const block = events.events[at] ?? 0;
  return {
    phase: phase?.name ?? 'model',
    iteration: phase?.iteration ?? 1,
    operation: events.operationNames[events.operations[block] ?? 0] ?? '',
  };
}

function contributors(
  run: TrainingRun,
  expected: Forecast,
  fields: readonly RunField[],
  context: Context,
): readonly Contributor[] {
  const single = fields.slice(0, MOST_SINGLE_RANGES).map((field) => settingContributor(run, field, context));
  const lumped = fields.slice(MOST_SINGLE_RANGES);
  const rest = lumped.length === 0 ? [] : [rangeContributor(run, lumped, context)];
  const mechanisms = DEVICE_MECHANISMS.map((mechanism): Contributor => {
    const { low, high } = mechanism.bytes(expected.values, context.device);
    return { name: mechanism.name, widthBytes: high - low, remedy: mechanism.remedy };
  });
  return [...single, ...rest, ...mechanisms]
    .filter(({ widthBytes }) => widthBytes > 0)
    .sort((a, b) => b.widthBytes - a.widthBytes);
}

const settingContributor = (run: TrainingRun, field: RunField, context: Context): Contributor =>
  rangeContributor(run, [field], context);

function rangeContributor(run: TrainingRun, fields: readonly RunField[], context: Context): Contributor {
  const [low, high] = [atEnd(run, 'low', fields, context), atEnd(run, 'high', fields, context)];
  const width = low && high ? high.unlimited.peakReservedBytes - low.unlimited.peakReservedBytes : 0;
  return {
    name: fields.join(', '),
    widthBytes: Math.max(0, width),
    remedy: `write ${fields.join(', ')} where it can be read, or declare it in plimsoll.dev/run`,
  };
}
