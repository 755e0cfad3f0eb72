import { amdExporter } from './amd-exporter.js';
import { dcgm } from './dcgm.js';
import { readExposition } from './exposition.js';
import type { Sample } from './exposition.js';
import type { DeviceReading, MetricReader, ScrapeContext } from './reading.js';

/** Every exporter family that is understood. */
export const METRIC_READERS: readonly MetricReader[] = [dcgm, amdExporter];

const wantedMetrics: ReadonlySet<string> = new Set(METRIC_READERS.flatMap(({ metrics }) => [...metrics]));

export interface Scrape {
  readings: readonly DeviceReading[];
  malformedLines: number;
  truncated: boolean;
}

/** The devices that an exporter's exposition text shows, whichever family it is of. Never throws. */
export function readScrape(text: string, context: ScrapeContext): Scrape {
  const { samples, malformedLines, truncated } = readExposition(text, { wanted: (name) => wantedMetrics.has(name) });
  return { readings: readSamples(samples, context), malformedLines, truncated };
}

/** The devices that samples show, whichever family they are of. */
export function readSamples(samples: readonly Sample[], context: ScrapeContext): readonly DeviceReading[] {
  return METRIC_READERS.flatMap((reader) => reader.read(samples, context));
}
