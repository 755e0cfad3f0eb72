import { describe, expect, it } from '@jest/globals';
import { errorOf, scoreRun } from '../../scripts/accuracy/score.js';
import type { ScoredRun } from '../../scripts/accuracy/score.js';
import { loadFacts } from '../../src/advisor/facts.js';
import { MEASURED_RUNS } from './measured-run-facts.js';

const facts = loadFacts();

/** Runs that are predicted too low by more than 10 %, with the cause as far as it is known. */
const MISSES: Readonly<Record<string, string>> = {
  'fsdpqlora-7b-lora-bs1-512':
    'loading holds more than training: the same 10.2 GiB stay reserved at 512 and 2,048 tokens',
  'fsdpqlora-7b-lora-bs6-2048': 'allocated is right, reserved is not: blocks that wait for events of other streams',
  'hfdocs-bert-large-bs4-fp16': 'versions of 2022; grows with the batch, not with accumulation: cause not known',
  'hfdocs-bert-large-bs4-fp32': 'versions of 2022; grows with the batch, not with accumulation: cause not known',
  'hfdocs-bert-large-bs4-fp32-adafactor': 'versions of 2022; grows with the batch: cause not known',
};

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
  const hits = MEASURED_RUNS.filter(({ id }) => !(id in MISSES)).map(figures);

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

  it.each(Object.entries(MISSES))('%s is known to be too low: %s', (id) => {
    const error = errorOf(runOf(id));
    expect(error).toBeLessThan(-0.1);
    expect(error).toBeGreaterThan(-0.35);
  });
});
