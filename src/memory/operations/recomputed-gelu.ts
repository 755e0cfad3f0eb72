import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

const [MUL, ADD, TANH, RSUB] = ['mul', 'add', 'tanh', 'rsub'].map(operation) as [number, number, number, number];

/** One step: the operation, and the places of the earlier results that die once it is done. */
type Step = readonly [name: number, ending: readonly number[]];

/** `x * 0.5 * (1 + tanh(0.79788456 * x * (1 + 0.044715 * x * x)))`, evaluated as written. */
const FORWARD: readonly Step[] = [
  [MUL, []],
  [MUL, []],
  [MUL, []],
  [MUL, [2]],
  [ADD, [3]],
  [MUL, [1, 4]],
  [TANH, [5]],
  [ADD, [6]],
  [MUL, [0, 7]],
];

/** `bloom_gelu_back` of transformers: the same again, then its derivative and the product with the gradient. */
const BACKWARD: readonly Step[] = [
  [MUL, []],
  [MUL, []],
  [MUL, [1]],
  [ADD, [2]],
  [MUL, [0, 3]],
  [TANH, [4]],
  [MUL, []],
  [MUL, []],
  [RSUB, [7]],
  [MUL, []],
  [MUL, [9]],
  [ADD, [10]],
  [MUL, [8, 11]],
  [MUL, [6, 12]],
  [ADD, []],
  [MUL, [14]],
  [ADD, [13, 15]],
  [MUL, [5, 16]],
];

/** Results as large as `x`, each alive until a later step ends it; the last is returned, floating. */
function evaluate(workspace: Workspace, x: EngineTensor, steps: readonly Step[]): EngineTensor {
  const results: EngineTensor[] = [];
  for (const [name, ending] of steps) {
    results.push(workspace.emptyLike(x, name));
    for (const place of ending) workspace.consume(results[place]!);
  }
  return results[results.length - 1]!;
}

const FORMULA: Formula = {
  operation: operation('recomputed_gelu'),
  apply: (workspace, node) => [evaluate(workspace, node.saved[0]!, BACKWARD)],
};

/** `GeLUFunction` of BLOOM: an autograd function of its own that keeps nothing but its input. */
export function recomputedGelu(engine: Engine, x: EngineTensor): EngineTensor {
  const node = engine.record(FORMULA, [x]);
  engine.save(node, x);
  const out = engine.attach(evaluate(engine, x, FORWARD), node);
  engine.consume(x);
  return out;
}
