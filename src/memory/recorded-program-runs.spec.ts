import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { predict } from '../../scripts/oracle/predict.js';
import type { OracleRecord } from '../../scripts/oracle/record.js';

const golden = JSON.parse(readFileSync('test/golden/recorded-program-runs.json', 'utf8')) as { runs: OracleRecord[] };

/** litgpt keeps the table of its rotary angles as long as the data; here it is made in each forward pass. */
const MOST_DEVIATION = 0.002;

describe('peaks of programs with model code of their own, recorded operation by operation', () => {
  it.each(golden.runs.map((record) => [record.id, record] as const))('%s', (_, record) => {
    const prediction = predict(record);
    expect(Math.abs(prediction.peakBytes / record.peak_allocated_bytes - 1)).toBeLessThan(MOST_DEVIATION);
    expect(prediction.phase).toBe(record.peak_phase);
  });

  it.each(golden.runs.filter(({ id }) => id.startsWith('plain_')).map((record) => [record.id, record] as const))(
    '%s, to the byte',
    (_, record) => expect(predict(record).peakBytes).toBe(record.peak_allocated_bytes),
  );

  it('differ from what transformers makes of the same model', () => {
    const [record] = golden.runs.filter(({ id }) => id === 'lit_tl3_lora-all_b2_s512');
    const { program, ...settings } = record!.settings;
    expect(program?.name).toBe('litgpt');
    const other = predict({ ...record!, settings });
    expect(Math.abs(other.peakBytes / record!.peak_allocated_bytes - 1)).toBeGreaterThan(0.05);
  });
});
