import { describe, expect, it } from '@jest/globals';
import { errorOf, scoreRun } from '../../scripts/accuracy/score.js';
import type { ScoredRun } from '../../scripts/accuracy/score.js';
import { loadFacts } from '../../src/advisor/facts.js';
import { MEASURED_RUNS } from './measured-run-facts.js';

const facts = loadFacts();

const scored = new Map<string, ScoredRun>(
  MEASURED_RUNS.flatMap((record) => {
    const run = scoreRun(record, facts);
    return run === null ? [] : [[record.id, run] as const];
  }),
);

const figures = ({ id, measured_gib: measured }: (typeof MEASURED_RUNS)[number]): [string, number] => [id, measured];
const runOf = (id: string): ScoredRun => {
  const run = scored.get(id);
  if (!run) throw new Error(`${id} has no comparable figure`);
  return run;
};

describe('measured runs', () => {
  const hits = MEASURED_RUNS.map(figures);

  it('are at least ten, on one device and fully sharded, of four families', () => {
    expect(hits.length).toBeGreaterThanOrEqual(10);
    const names = hits.map(([id]) => id).join(' ');
    for (const part of ['gpt2', 'bert', 'resnet', 'fsdpqlora-7b']) expect(names).toContain(part);
  });

  it.each(hits)('%s: %d GiB is predicted within 10 %%, like for like', (id) => {
    const run = runOf(id);
    expect(run.reason).toBeNull();
    expect(Math.abs(errorOf(run))).toBeLessThanOrEqual(0.1);
  });
});
