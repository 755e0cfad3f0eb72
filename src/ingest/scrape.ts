import { readScrape } from '../inventory/metric-readers.js';
import type { DeviceReading } from '../inventory/reading.js';
import { fetchText, outcomeOf, problemOf, withoutCredentials } from './fetch-text.js';
import type { FetchLimits } from './fetch-text.js';
import type { CollectContext, ExporterTarget, Outcome, TargetResult } from './sources.js';

export interface ScrapedTarget {
  readings: readonly DeviceReading[];
  result: TargetResult;
}

const EXPOSITION = { accept: 'text/plain;version=0.0.4,*/*;q=0.1' };

/** Fetches and reads one exporter. Never rejects and never takes longer than the limit. */
export async function scrape(
  target: ExporterTarget,
  limits: FetchLimits,
  context: CollectContext,
): Promise<ScrapedTarget> {
  const started = performance.now();
  const finish = (outcome: Outcome, problem: string | null, read?: ReturnType<typeof readScrape>): ScrapedTarget => ({
    readings: read?.readings ?? [],
    result: {
      target: withoutCredentials(target.url),
      outcome,
      problem,
      durationMs: performance.now() - started,
      malformedLines: read?.malformedLines ?? 0,
    },
  });
  try {
    const text = await fetchText({ url: target.url, headers: EXPOSITION }, limits, context.signal);
    const read = readScrape(text, { source: 'dcgm', node: target.node, seenAtMs: context.now(), gpus: context.gpus });
    if (read.readings.length > 0) return finish('ok', null, read);
    return finish('empty', 'it answered without GPU memory metrics (DCGM_FI_DEV_FB_FREE, DCGM_FI_DEV_FB_USED)', read);
  } catch (error) {
    return finish(outcomeOf(error), problemOf(error, limits));
  }
}
