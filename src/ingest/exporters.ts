import { scrape } from './scrape.js';
import type { FetchLimits } from './fetch-text.js';
import type { ScrapedTarget } from './scrape.js';
import type { Collected, CollectContext, ExporterDiscovery, ExporterTarget, InventorySource } from './sources.js';

/** Scrapes that are under way at a time: enough that a few slow ones do not hold up the rest. */
const SIDE_BY_SIDE = 64;

/** dcgm-exporters and others that print the same: configured addresses, and pods that discovery finds. */
export function exporters(
  addresses: readonly string[],
  discovery: ExporterDiscovery | null,
  limits: FetchLimits,
): InventorySource {
  return {
    name: 'exporters',
    async collect(context): Promise<Collected> {
      const targets = distinct([...(discovery?.targets() ?? []), ...addresses.map((url) => ({ url, node: null }))]);
      const scraped = await scrapeAll(targets, limits, context);
      return {
        readings: scraped.flatMap(({ readings }) => readings),
        results: scraped.map(({ result }) => result),
        nodes: null,
      };
    },
  };
}

/** The first target of each address: discovery, which knows the node, comes first. */
function distinct(targets: readonly ExporterTarget[]): readonly ExporterTarget[] {
  const byUrl = new Map<string, ExporterTarget>();
  for (const target of targets) if (!byUrl.has(target.url)) byUrl.set(target.url, target);
  return [...byUrl.values()];
}

/** All targets side by side, a bounded number at a time; the results in the order of the targets. */
async function scrapeAll(
  targets: readonly ExporterTarget[],
  limits: FetchLimits,
  context: CollectContext,
): Promise<readonly ScrapedTarget[]> {
  const results = new Array<ScrapedTarget>(targets.length);
  const queue = targets.entries();
  const work = async (): Promise<void> => {
    for (const [position, target] of queue) results[position] = await scrape(target, limits, context);
  };
  await Promise.all(Array.from({ length: Math.min(SIDE_BY_SIDE, targets.length) }, work));
  return results;
}
