import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { predict } from '../../scripts/oracle/predict.js';
import type { OracleRecord } from '../../scripts/oracle/record.js';
import { oracleRun } from '../../scripts/oracle/record.js';
import { architectureOf } from '../model/architecture.js';

const GOLDENS = [
  ['image models of torchvision and timm', 'test/golden/recorded-image-models.json'],
  ['diffusion and speech models', 'test/golden/recorded-diffusion-speech.json'],
] as const;

describe.each(GOLDENS)('peaks of %s, recorded operation by operation', (_, file) => {
  const golden = JSON.parse(readFileSync(file, 'utf8')) as { runs: OracleRecord[] };

  it.each(golden.runs.map((record) => [record.id, record] as const))('%s', (_, record) => {
    const { model, values } = oracleRun(record);
    expect(architectureOf(model, values.task).parameterCount).toBe(record.n_params);
    const prediction = predict(record);
    expect(prediction.peakBytes).toBe(record.peak_allocated_bytes);
    expect(prediction.phase).toBe(record.peak_phase);
    expect(prediction.allocatedBytes).toBe(record.peak_allocated_bytes_simulated);
    expect(prediction.reservedBytes).toBe(record.peak_reserved_bytes_simulated);
  });
});
