import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { InventoryHolder } from '../advisor/inventory-holder.js';
import type { Collector } from './collector.js';
import { OUTCOMES } from './sources.js';

/** Adds the collection's metrics to the registry; they are read when they are scraped. */
export function measureIngest(registry: Registry, collector: Collector, holder: InventoryHolder): void {
  const registers = [registry];
  const { state, windows } = collector;
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name: `plimsoll_ingest_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  const counter = (name: string, help: string, read: () => number): Counter =>
    new Counter({
      name: `plimsoll_ingest_${name}_total`,
      help,
      registers,
      collect() {
        this.reset();
        this.inc(read());
      },
    });
  gauge('leader', '1 where this replica collects the inventory.', () => (state.role === 'follower' ? 0 : 1));
  gauge('devices', 'Devices that are known.', () => collector.devices);
  gauge('collection_seconds', 'How long the last collection took.', () => state.lastCollectionMs / 1000);
  gauge('windows_waiting', 'Windows in memory that are not written for good yet.', () => windows.waiting);
  gauge('snapshot_timestamp_seconds', 'When the snapshot that is answered from was made.', () => {
    return holder.current().takenAtMs / 1000;
  });
  counter('collections', 'Collections that were made.', () => state.collections);
  counter('past_readings', 'Readings of the time before this process began.', () => state.pastReadings);
  gauge('past_remaining_seconds', 'How much of the past is still to be asked for.', () => {
    return collector.pastRemainingMs / 1000;
  });
  counter('devices_written', 'Rows of devices that were written.', () => state.writtenDevices);
  counter('windows_written', 'Rows of windows that were written.', () => state.writtenWindows);
  counter('windows_merged', 'Windows that were merged into another because too many waited.', () => windows.merged);
  counter('writes_failed', 'Writes that failed; what they held was kept.', () => state.failedWrites);
  measureTargets(registers, collector);
}

function measureTargets(registers: Registry[], { state }: Collector): void {
  new Gauge({
    name: 'plimsoll_ingest_targets',
    help: 'Targets of the last collection, by what became of them.',
    labelNames: ['outcome'],
    registers,
    collect() {
      for (const outcome of OUTCOMES) {
        this.set({ outcome }, state.results.filter((result) => result.outcome === outcome).length);
      }
    },
  });
  new Gauge({
    name: 'plimsoll_ingest_malformed_lines',
    help: 'Lines of GPU metrics in the last collection that could not be read.',
    registers,
    collect() {
      this.set(state.results.reduce((sum, { malformedLines }) => sum + malformedLines, 0));
    },
  });
}
