import { describe, expect, it } from '@jest/globals';
import { run as runOf } from '../../test/builders/run.js';
import { loadFacts } from '../advisor/facts.js';
import type { RunValues } from '../run/training-run.js';
import type { Estimate } from './estimate.js';
import { estimate } from './estimator.js';

const facts = loadFacts();
const device = { model: 'NVIDIA H100 80GB HBM3', vendor: 'nvidia', computeCapability: 9 } as const;

const dit = (changes: Partial<RunValues>): Estimate =>
  estimate({
    device,
    facts,
    run: runOf({
      model: { name: 'PixArt-alpha/PixArt-Sigma-XL-2-1024-MS', catalogId: null, config: null },
      task: 'diffusion',
      microBatchSize: 8,
      imageSize: [256, 256],
      sequenceLength: null,
      precision: 'bf16',
      ...changes,
    }),
  });

const widthOf = ({ contributors }: Estimate, wanted: string): number =>
  contributors.find(({ name }) => name === wanted)?.widthBytes ?? 0;

describe('the length of prompts', () => {
  it('opens the interval downwards where nothing says it', () => {
    const [open, said] = [dit({}), dit({ sequenceLength: 300 })];
    expect(widthOf(open, 'prompt-length')).toBeGreaterThan(0);
    expect(widthOf(said, 'prompt-length')).toBe(0);
    expect(open.allocatedBytes.expected).toBe(said.allocatedBytes.expected);
    expect(open.allocatedBytes.low).toBeLessThan(said.allocatedBytes.low);
    expect(open.allocatedBytes.high).toBe(said.allocatedBytes.high);
  });
});
