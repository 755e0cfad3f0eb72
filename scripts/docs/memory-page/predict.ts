import { manifestOfRun } from '../../../src/cli/input/described-run.js';
import type { Facts } from '../../../src/advisor/facts.js';
import type { Grammars } from '../../../src/launch/grammars.js';
import { readRuns } from '../../../src/launch/read-runs.js';
import { DEVICE_MECHANISMS } from '../../../src/memory/device/mechanisms.js';
import type { DeviceTraits } from '../../../src/memory/estimate.js';
import { forecast } from '../../../src/memory/forecast.js';
import { NotEstimable } from '../../../src/memory/not-estimable.js';
import { valuesOf } from '../../../src/run/fields.js';
import type { RunValues } from '../../../src/run/training-run.js';
import { readWorkload } from '../../../src/workload/read-workload.js';

/** A card of the page: what it is sold as, and what a process can use of it. */
export interface Card {
  sizeGb: number;
  device: DeviceTraits;
  usableBytes: number;
}

const MIB = 1024 ** 2;

/** Cards of one generation, so that they differ in their memory alone. */
const CARDS: readonly (readonly [sizeGb: number, name: string])[] = [
  [8, 'NVIDIA GeForce RTX 3070'],
  [16, 'NVIDIA RTX A4000'],
  [24, 'NVIDIA GeForce RTX 3090'],
  [40, 'NVIDIA A100-SXM4-40GB'],
  [80, 'NVIDIA A100-SXM4-80GB'],
];

/** What the driver keeps of a card whose usable memory was not seen: as much as of an RTX 3090 (24576 less 24248 MiB). */
const KEPT_BY_DRIVER_MIB = 328;
const SMALLEST_GB = 4;

/** The cards from 4 to 80 GB; the catalog has none of 4 GB, so that one is like the next. */
export function cardsOf({ gpus }: Facts): readonly Card[] {
  const known = CARDS.map(([sizeGb, name]): Card => {
    const gpu = gpus.find(name);
    if (gpu?.totalMib == null) throw new Error(`${name} has no memory in the catalog`);
    const { model, vendor, computeCapability, totalMib, usableMib } = gpu;
    return {
      sizeGb,
      device: { model, vendor, computeCapability },
      usableBytes: (usableMib ?? totalMib - KEPT_BY_DRIVER_MIB) * MIB,
    };
  });
  const usableBytes = (SMALLEST_GB * 1024 - KEPT_BY_DRIVER_MIB) * MIB;
  return [{ sizeGb: SMALLEST_GB, device: known[0]!.device, usableBytes }, ...known];
}

/** What a declared run is, with every default of its program. */
export function declaredValues(run: Readonly<Record<string, unknown>>, grammars: Grammars): RunValues {
  const workload = readWorkload(manifestOfRun({ microBatchSize: 1, precision: 'fp32', ...run }, 1));
  const reading = workload && readRuns(workload, { configMap: () => undefined }, grammars)[0];
  if (!reading?.run) throw new Error(`${String(run['model'])} is not read`);
  return valuesOf(reading.run);
}

/** Bytes on the device as expected; in words why there are none. */
export function expectedBytes(values: RunValues, device: DeviceTraits, { models }: Facts): number | string {
  try {
    const at = forecast(values, { device, models });
    const outside = DEVICE_MECHANISMS.reduce((sum, one) => sum + one.bytes(at.values, device).expected, 0);
    return at.unlimited.peakReservedBytes + outside;
  } catch (error) {
    if (error instanceof NotEstimable) return error.unknown[0]?.reason ?? error.message;
    throw error;
  }
}

const MOST_BATCH = 4096;

/** The largest batch whose expected reading the card holds; 0: not even one. */
export function largestBatch(values: RunValues, card: Card, facts: Facts): number {
  const fits = (batch: number): boolean => {
    const bytes = expectedBytes({ ...values, microBatchSize: batch }, card.device, facts);
    return typeof bytes === 'number' && bytes <= card.usableBytes;
  };
  let [good, bad] = [0, 1];
  while (bad <= MOST_BATCH && fits(bad)) [good, bad] = [bad, bad * 2];
  // From some hundred on a batch more or less is no news: two digits count.
  while (bad - good > Math.max(1, good / 100)) {
    const middle = Math.floor((good + bad) / 2);
    if (fits(middle)) good = middle;
    else bad = middle;
  }
  return good;
}
