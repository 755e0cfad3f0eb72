import { describe, expect, it } from '@jest/globals';
import { float32 } from '../../model/dtype.js';
import { runBackward } from '../autograd/backward.js';
import { Engine } from '../autograd/engine.js';
import { operation } from '../autograd/operation-names.js';
import { TODAYS_HABITS } from '../autograd/torch-habits.js';
import { mul, unaryInPlace } from './elementwise.js';
import { UNARY } from './unary.js';

const SHAPE = [2, 64, 16, 16];
const MAP_BYTES = 2 * 64 * 16 * 16 * 4;

/** Whole maps that are live after a map was multiplied by constants for its channels, and after backward; one is a constant. */
function mapsOf(productsKeepBoth: boolean): { kept: number; left: number } {
  const engine = new Engine('in-place');
  engine.habits = { ...TODAYS_HABITS, productsKeepBoth };
  engine.recorder.phase('forward', 1);
  const leaf = engine.hold(engine.empty([2, 64, 1, 1], float32, operation('leaf')));
  leaf.requiresGrad = true;
  const [ones, scale] = [SHAPE, [1, 64, 1, 1]].map((shape) =>
    engine.hold(engine.empty(shape, float32, operation('constant'))),
  );
  const x = mul(engine, leaf, ones!);
  const out = engine.hold(mul(engine, x, scale!));
  const { sizes, events } = engine.recorder;
  const live = (): number =>
    events.reduce((maps, event) => {
      const isMap = sizes[event >= 0 ? event : -event - 1] === MAP_BYTES;
      return isMap ? maps + (event >= 0 ? 1 : -1) : maps;
    }, 0);
  const kept = live();
  runBackward(engine, out, engine.hold(engine.empty(SHAPE, float32, operation('gradient'))));
  return { kept, left: live() };
}

describe('a product with constants', () => {
  it('lets go of the operand that no gradient asks for', () => {
    expect(mapsOf(false).kept).toBe(2);
  });

  it('keeps it until backward has passed where the release is older', () => {
    expect(mapsOf(true).kept).toBe(3);
    expect(mapsOf(true).left).toBe(mapsOf(false).left);
  });
});

describe('ReLU6 in place', () => {
  const copiesOf = (clampsKeepResults: boolean): number => {
    const engine = new Engine('in-place');
    engine.habits = { ...TODAYS_HABITS, clampsKeepResults };
    engine.recorder.phase('forward', 1);
    const leaf = engine.hold(engine.empty(SHAPE, float32, operation('leaf')));
    leaf.requiresGrad = true;
    const x = engine.hold(mul(engine, leaf, engine.hold(engine.empty([], float32, operation('constant')))));
    engine.float(x);
    engine.hold(unaryInPlace(engine, x, UNARY.relu6));
    return engine.recorder.sizes.filter((bytes) => bytes === MAP_BYTES).length;
  };

  it('keeps a copy of its input since torch 1.10, and its result before', () => {
    expect(copiesOf(false)).toBe(3);
    expect(copiesOf(true)).toBe(2);
  });
});
