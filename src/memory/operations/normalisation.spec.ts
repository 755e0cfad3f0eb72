import { describe, expect, it } from '@jest/globals';
import { float32 } from '../../model/dtype.js';
import { runBackward } from '../autograd/backward.js';
import { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { TODAYS_HABITS } from '../autograd/torch-habits.js';
import { normalisationOperations } from './normalisation.js';

const SHAPE = [2, 256, 16, 16];
const MAP_BYTES = 2 * 256 * 16 * 16 * 4;

/** Whole maps that are live after a group normalisation whose result is kept, and the most that backward has at once. */
function mapsOf(normsGroupsByParts: boolean): { kept: number; most: number } {
  const engine = new Engine('in-place');
  engine.habits = { ...TODAYS_HABITS, normsGroupsByParts };
  engine.recorder.phase('forward', 1);
  const leaf = (shape: readonly number[]): EngineTensor => {
    const tensor = engine.hold(engine.empty(shape, float32, operation('leaf')));
    tensor.requiresGrad = true;
    return tensor;
  };
  const [x, weight, bias] = [leaf(SHAPE), leaf([256]), leaf([256])];
  const out = normalisationOperations(engine, () => weight).groupNormWith(x, { weight, bias }, 32) as EngineTensor;
  engine.hold(out);
  const forward = engine.recorder.events.length;
  const gradient = engine.hold(engine.empty(SHAPE, float32, operation('gradient')));
  runBackward(engine, out, gradient);
  const { sizes, events } = engine.recorder;
  let live = 0;
  const after = events.map((event) => {
    if (sizes[event >= 0 ? event : -event - 1] === MAP_BYTES) live += event >= 0 ? 1 : -1;
    return live;
  });
  return { kept: after[forward - 1]!, most: Math.max(...after) };
}

describe('group normalisation', () => {
  it('keeps its input, and makes one gradient of it', () => {
    expect(mapsOf(false)).toEqual({ kept: 2, most: 4 });
  });

  it('keeps the normed values too where it is made of two operations, and multiplies them for the gradient', () => {
    expect(mapsOf(true)).toEqual({ kept: 3, most: 6 });
  });
});
