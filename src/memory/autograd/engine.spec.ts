import { describe, expect, it } from '@jest/globals';
import { bfloat16, float32 } from '../../model/dtype.js';
import { Scope } from '../../model/module-tree.js';
import { add, mul, unary } from '../operations/elementwise.js';
import { linear } from '../operations/matrix.js';
import { UNARY } from '../operations/unary.js';
import { lowered } from '../precision/autocast.js';
import { runBackward } from './backward.js';
import { CheckpointedCall } from './checkpoint.js';
import type { GradientAddition } from './engine.js';
import { Engine } from './engine.js';
import type { EngineTensor } from './graph.js';
import { operation } from './operation-names.js';

const MAKE = operation('make');

function begin(addition: GradientAddition = 'in-place'): Engine {
  const engine = new Engine(addition);
  engine.recorder.phase('forward', 1);
  return engine;
}

function leaf(engine: Engine, shape: number[]): EngineTensor {
  const tensor = engine.hold(engine.empty(shape, float32, MAKE));
  tensor.requiresGrad = true;
  return tensor;
}

/** Operations of the blocks that are alive. */
function alive(engine: Engine): string[] {
  const { events, operations, operationNames } = engine.recorder.finish();
  const blocks = new Set<number>();
  for (const event of events) {
    if (event >= 0) blocks.add(event);
    else blocks.delete(-event - 1);
  }
  return [...blocks].map((block) => operationNames[operations[block]!]!);
}

const allocations = (engine: Engine, name: string): number => {
  const { operations, operationNames } = engine.recorder.finish();
  return [...operations].filter((number) => operationNames[number] === name).length;
};

function backward(engine: Engine, root: EngineTensor): void {
  engine.hold(root);
  engine.recorder.phase('backward', 1);
  const gradient = engine.hold(engine.empty(root.shape, root.dtype, operation('ones_like')));
  runBackward(engine, root, gradient);
  engine.release(gradient);
  engine.release(root);
}

describe('references', () => {
  it('an operation uses up what nobody holds and leaves what a name holds', () => {
    const engine = begin();
    const held = engine.hold(engine.empty([4], float32, MAKE));
    engine.consume(add(engine, held, engine.empty([4], float32, operation('temporary'))));
    expect(alive(engine)).toEqual(['make']);
  });

  it('the end of a frame drops its names but not what it returns', () => {
    const engine = begin();
    engine.enter([]);
    engine.keep(engine.empty([4], float32, operation('local')));
    const result = engine.leave(engine.keep(engine.empty([4], float32, operation('returned'))));
    expect(alive(engine)).toEqual(['returned']);
    expect(result.refs).toBe(0);
  });

  it('a name bound anew lets its old value go after the new one exists', () => {
    const engine = begin();
    engine.enter([]);
    const old = engine.keep(engine.empty([4], float32, operation('old')));
    engine.rebind(old, engine.empty([4], float32, operation('new')));
    expect([...engine.recorder.finish().events]).toEqual([0, 1, -1]);
  });

  it('use after the end and a second release are errors', () => {
    const engine = begin();
    const tensor = engine.empty([4], float32, MAKE);
    engine.consume(tensor);
    expect(() => engine.hold(tensor)).toThrow('after its end');
    expect(() => engine.release(tensor)).toThrow();
  });
});

describe('backward', () => {
  it('leaves nothing but leaves and their gradients', () => {
    const engine = begin();
    const a = leaf(engine, [4]);
    const b = leaf(engine, [4]);
    const loss = engine.hold(unary(engine, mul(engine, a, b), UNARY.tanh));
    backward(engine, loss);
    engine.release(loss);
    expect(alive(engine).sort()).toEqual(['make', 'make', 'mul', 'mul']);
    expect(a.gradient?.shape).toEqual([4]);
  });

  it('sums the gradient of what was broadcast', () => {
    const engine = begin();
    const bias = leaf(engine, [8]);
    const loss = engine.hold(add(engine, leaf(engine, [4, 8]), bias));
    backward(engine, loss);
    expect(bias.gradient?.shape).toEqual([8]);
  });

  it('adds gradients that meet in place, or anew while operators are recorded', () => {
    const sums = (['in-place', 'out-of-place'] as const).map((addition) => {
      const engine = begin(addition);
      const x = unary(engine, leaf(engine, [4]), UNARY.tanh);
      engine.hold(x);
      const loss = engine.hold(add(engine, unary(engine, x, UNARY.gelu), unary(engine, x, UNARY.silu)));
      const before = allocations(engine, 'add');
      backward(engine, loss);
      return allocations(engine, 'add') - before;
    });
    expect(sums).toEqual([0, 1]);
  });

  it('needs a loss that depends on something trained', () => {
    const engine = begin();
    const loss = engine.hold(engine.empty([], float32, MAKE));
    expect(() => runBackward(engine, loss, engine.empty([], float32, MAKE))).toThrow('no parameter that is trained');
  });
});

describe('linear layers', () => {
  const layerOf = (frozen: boolean): { engine: Engine; input: EngineTensor; out: EngineTensor } => {
    const engine = begin();
    const layer = Scope.root().linear('l', 8, 16, { bias: false });
    const weight = leaf(engine, [16, 8]);
    weight.requiresGrad = !frozen;
    const input = unary(engine, leaf(engine, [4, 8]), UNARY.neg);
    const out = engine.hold(linear(engine, input, layer, { weight, bias: null }));
    return { engine, input, out };
  };

  it('keep their input for the weight', () => {
    expect(alive(layerOf(false).engine)).toContain('neg');
  });

  it('keep nothing of their input when frozen', () => {
    expect(alive(layerOf(true).engine)).not.toContain('neg');
  });
});

describe('autocast', () => {
  it('lowers a weight once and an activation at each use', () => {
    const engine = begin();
    engine.autocast = bfloat16;
    const weight = leaf(engine, [4]);
    const activation = engine.hold(unary(engine, weight, UNARY.neg));
    expect(lowered(engine, weight)).toBe(lowered(engine, weight));
    expect(lowered(engine, activation)).not.toBe(lowered(engine, activation));
  });
});

describe('checkpointing', () => {
  const block = (engine: Engine) => (args: readonly (EngineTensor | null)[]) => {
    engine.enter(args);
    const inner = unary(engine, args[0]!, UNARY.tanh);
    return engine.leave(unary(engine, unary(engine, inner, UNARY.gelu), UNARY.neg));
  };

  it('keeps the argument only, and recomputes up to the last saved tensor', () => {
    const engine = begin();
    const x = engine.hold(unary(engine, leaf(engine, [4]), UNARY.silu));
    const call = new CheckpointedCall(engine, [x], block(engine));
    engine.hook = call;
    const out = engine.hold(block(engine)([x]));
    engine.hook = null;
    call.close();
    engine.release(x);
    expect(alive(engine).sort()).toEqual(['make', 'neg', 'silu']);
    const [tanh, neg] = [allocations(engine, 'tanh'), allocations(engine, 'neg')];
    backward(engine, out);
    expect(allocations(engine, 'tanh')).toBe(tanh + 1);
    expect(allocations(engine, 'neg')).toBe(neg + 1);
    engine.release(out);
    expect(alive(engine).sort()).toEqual(['make', 'silu_backward']);
  });
});
