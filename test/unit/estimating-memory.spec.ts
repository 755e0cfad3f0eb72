import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../../src/advisor/facts.js';
import { estimate } from '../../src/memory/estimator.js';
import { run } from '../builders/run.js';

const A100 = { model: 'NVIDIA A100-SXM4-80GB', vendor: 'nvidia', computeCapability: 8 } as const;
/** GPT-2 of one layer with a short table, so that an estimate takes milliseconds. */
const config = { model_type: 'gpt2', n_embd: 64, n_head: 2, n_layer: 1, n_positions: 128, vocab_size: 1000 };
const model = { name: 'tiny', catalogId: null, config };

const WARM_UP = 60;
const ESTIMATES = 150;
/** An estimate's list of events alone is some tens of kilobytes. */
const LEAST_HELD_BYTES = 8192;

/** Bytes of the heap once everything that nobody holds was given back. */
function heldBytes(): number {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}

function estimateMany(count: number, facts: ReturnType<typeof loadFacts>): void {
  for (let i = 0; i < count; i++) {
    const { deviceBytes } = estimate({
      run: run({ model, microBatchSize: 1 + (i % 97), sequenceLength: 64 + (i % 5) }),
      device: A100,
      facts,
    });
    if (!(deviceBytes.expected > 0)) throw new Error('nothing was estimated');
  }
}

describe('estimating again and again', () => {
  it('holds on to nothing of the estimates made', () => {
    const facts = loadFacts();
    estimateMany(WARM_UP, facts);
    const before = heldBytes();
    estimateMany(ESTIMATES, facts);
    expect(heldBytes() - before).toBeLessThan(ESTIMATES * LEAST_HELD_BYTES);
  }, 60_000);
});
