import { bool, int64 } from '../dtype.js';
import type { Parameter, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Experts whose weights of a layer lie in one parameter, with biases (gpt-oss). */
export interface StackedExperts {
  hidden: number;
  intermediate: number;
  experts: number;
  perToken: number;
}

interface Weights {
  gateUp: Parameter;
  gateUpBias: Parameter;
  down: Parameter;
  downBias: Parameter;
}

/** `GptOssTopKRouter`: the weights of the best experts among zeros, and which they are. */
function router(scope: Scope, { hidden, experts, perToken }: StackedExperts) {
  const weight = scope.parameter('weight', [experts, hidden]);
  const bias = scope.parameter('bias', [experts]);
  return module((ops, x: Tensor): [Tensor, Tensor] => {
    const tokens = ops.keep(ops.reshape(x, [-1, hidden]));
    const logits = ops.keep(ops.linearWith(tokens, ops.parameter(weight), ops.parameter(bias)));
    const [best, indices] = ops.topK(logits, perToken);
    let values = ops.keep(best);
    ops.keep(indices);
    values = ops.rebind(values, ops.softmax(values, values.dtype));
    const zeros = ops.create('zeros_like', logits.shape, logits.dtype);
    return [ops.keep(ops.scatterInPlace(zeros, indices, values)), indices];
  });
}

/** `one_hot` of the chosen experts, with a class for none, and the list of experts that are hit. */
function findHits(ops: Operations, tokens: number, { experts, perToken }: StackedExperts): void {
  const classes = experts + 1;
  const numbers = ops.create('arange', [classes], int64);
  const hits = ops.derive('eq', [], [tokens, perToken, classes], bool);
  ops.keep(ops.derive('to_copy', [numbers, hits], [tokens, perToken, classes], int64));
  const sums = ops.derive('sum', [], [classes], int64);
  ops.keep(ops.derive('nonzero', [ops.derive('gt', [sums], [classes], bool)], [experts, 1], int64));
}

/** Names of the loop's body, each bound anew for the next expert. */
type Name = 'found' | 'state' | 'both' | 'gate' | 'up' | 'glu' | 'gated' | 'out' | 'weighted';

function binder(ops: Operations): (name: Name, value: Tensor) => Tensor {
  const bound = new Map<Name, Tensor>();
  return (name, value) => {
    const old = bound.get(name);
    bound.set(name, value);
    return old === undefined ? ops.keep(value) : ops.rebind(old, value);
  };
}

/** One expert's tokens: clamped gate and linear part, `(up + 1) * gate * sigmoid(gate * alpha)`. */
function runExpert(ops: Operations, bind: ReturnType<typeof binder>, state: Tensor, weights: Weights): Tensor {
  const [rows] = state.shape as readonly [number, number];
  const width = weights.down.shape[1]!;
  const expertOf = (parameter: Parameter): Tensor => ops.select(ops.parameter(parameter), 0);
  const both = bind('both', ops.add(ops.matmul(state, expertOf(weights.gateUp)), expertOf(weights.gateUpBias)));
  let gate = bind('gate', ops.everyNth(both, 1, [0, 2]));
  let up = bind('up', ops.everyNth(both, 1, [1, 2]));
  gate = bind('gate', ops.clamp(gate, 'above'));
  up = bind('up', ops.clamp(up));
  const glu = bind('glu', ops.mul(gate, ops.sigmoid(ops.mulScalar(gate))));
  const gated = bind('gated', ops.mul(ops.addScalar(up), glu));
  const flat = ops.view(gated, [rows, width]);
  return bind('out', ops.add(ops.matmul(flat, expertOf(weights.down)), expertOf(weights.downBias)));
}

/** `GptOssExperts.forward` in training: a loop over the experts that are hit, with their tokens. */
function loopOver(ops: Operations, [x, scores]: readonly [Tensor, Tensor], weights: Weights, sizes: StackedExperts) {
  ops.enter([x, scores]);
  const { hidden, experts, perToken } = sizes;
  const rows = ops.keep(ops.reshape(x, [-1, hidden]));
  const tokens = rows.shape[0]!;
  const perExpert = Math.floor((tokens * perToken) / experts);
  let result = ops.keep(ops.create('zeros_like', rows.shape, rows.dtype));
  findHits(ops, tokens, sizes);
  const bind = binder(ops);
  for (let expert = 0; expert < experts; expert++) {
    ops.drop(ops.derive('eq', [], [], bool));
    const found = bind('found', ops.derive('nonzero', [], [perExpert, 2], int64));
    const state = bind('state', ops.index(rows, [found], [perExpert, hidden]));
    const out = runExpert(ops, bind, state, weights);
    const own = ops.index(ops.select(scores, 1), [found], [perExpert]);
    const weighted = bind('weighted', ops.mul(out, ops.unsqueeze(own, 1)));
    result = ops.rebind(result, ops.indexAddInPlace(result, found, ops.to(weighted, rows.dtype)));
  }
  return ops.leave(ops.view(result, x.shape));
}

/** A sparse block of gpt-oss as transformers 4.57 trains it. Tokens are taken to be spread evenly. */
export function stackedExperts(scope: Scope, sizes: StackedExperts): (ops: Operations, x: Tensor) => [Tensor, Tensor] {
  const { hidden, intermediate, experts } = sizes;
  const choose = router(scope.child('router'), sizes);
  const own = scope.child('experts');
  const weights: Weights = {
    gateUp: own.parameter('gate_up_proj', [experts, hidden, 2 * intermediate]),
    gateUpBias: own.parameter('gate_up_proj_bias', [experts, 2 * intermediate]),
    down: own.parameter('down_proj', [experts, intermediate, hidden]),
    downBias: own.parameter('down_proj_bias', [experts, hidden]),
  };
  return module((ops, x: Tensor): [Tensor, Tensor] => {
    const [scores, indices] = choose(ops, x);
    ops.keep(scores);
    ops.keep(indices);
    return [loopOver(ops, [x, scores], weights, sizes), scores];
  });
}
