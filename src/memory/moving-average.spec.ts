import { describe, expect, it } from '@jest/globals';
import { RESNETS } from '../model/families/resnet.js';
import type { RunValues } from '../run/training-run.js';
import { parseAllocatorConfig } from './allocator/config.js';
import { replay } from './allocator/replay.js';
import { simulate } from './simulate.js';
import { tinyRun } from './tiny-run.spec-data.js';

const resnet18 = RESNETS['resnet18']!('resnet18', 1000);

function peakOf(changes: Partial<RunValues>): number {
  const run = tinyRun({ task: 'image-classification', imageSize: [64, 64], sequenceLength: null, ...changes });
  const events = simulate(run, resnet18, { iterations: 2, gradientAddition: 'in-place', computeCapability: 8 });
  return replay(events, parseAllocatorConfig('').config).peakAllocatedBytes;
}

describe('a moving average of the weights', () => {
  it('adds a second copy of the parameters and buffers for the whole run', () => {
    const bytes = 4 * resnet18.parameterCount;
    const added = peakOf({ ema: true }) - peakOf({ ema: false });
    expect(added).toBeGreaterThan(bytes);
    expect(added).toBeLessThan(1.03 * bytes);
  });
});
