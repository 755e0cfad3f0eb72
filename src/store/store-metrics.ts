import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { AssessmentWriter, AssessmentWriterCounts } from './assessment-writer.js';
import type { Database } from './database.js';

const OUTCOMES = ['written', 'dropped', 'failed'] as const satisfies readonly (keyof AssessmentWriterCounts)[];

/** Adds the store's metrics to the registry; they are read when they are scraped. */
export function measureStore(registry: Registry, database: Database, writer: AssessmentWriter): void {
  const registers = [registry];
  new Gauge({
    name: 'plimsoll_store_up',
    help: '1 while the database can be reached and has room.',
    registers,
    collect() {
      this.set(database.problem === null ? 1 : 0);
    },
  });
  new Gauge({
    name: 'plimsoll_store_assessments_waiting',
    help: 'Assessments in memory that are not written yet.',
    registers,
    collect() {
      this.set(writer.waiting);
    },
  });
  new Counter({
    name: 'plimsoll_store_assessments_total',
    help: 'Assessments by what became of them: written, dropped (too many waited), failed (the database refused them).',
    labelNames: ['outcome'],
    registers,
    collect() {
      this.reset();
      for (const outcome of OUTCOMES) this.inc({ outcome }, writer.counts[outcome]);
    },
  });
}
