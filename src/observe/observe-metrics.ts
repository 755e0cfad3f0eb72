import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { UseRecorder } from './recorder.js';

/** Adds the recorder's metrics to the registry; they are read when they are scraped. */
export function measureObserving(registry: Registry, recorder: UseRecorder): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): Gauge =>
    new Gauge({
      name: `plimsoll_observe_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  gauge('pods', 'Pods whose use of devices is followed now.', () => recorder.following);
  gauge('waiting', 'Observations in memory that are not written yet.', () => recorder.waiting);
  new Counter({
    name: 'plimsoll_observe_observations_total',
    help: 'Observations by what became of them: written, dropped (too many waited), failed (writes that did not work).',
    labelNames: ['outcome'],
    registers,
    collect() {
      const { written, dropped, failedWrites } = recorder.state;
      this.reset();
      for (const [outcome, count] of Object.entries({ written, dropped, failed: failedWrites })) {
        this.inc({ outcome }, count);
      }
    },
  });
}
