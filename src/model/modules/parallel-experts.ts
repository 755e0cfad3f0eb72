import { float32, int64 } from '../dtype.js';
import type { Parameter, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Activation } from './activations.js';
import type { Step } from './sequential.js';

/** Experts of Granite's mixtures, whose weights of a product lie in one parameter. */
export interface ParallelExperts {
  hidden: number;
  intermediate: number;
  act: Activation;
  experts: number;
  perToken: number;
}

type Routed = [order: Tensor, index: Tensor, gates: Tensor, logits: Tensor];

/** `GraniteMoeTopKGating`: the order of the sorted rows, which token each is, its weight, and the router's logits. */
function gating(scope: Scope, { hidden, experts, perToken }: ParallelExperts) {
  const layer = scope.linear('layer', hidden, experts, { bias: false });
  return module((ops, x: Tensor): Routed => {
    const tokens = x.shape[0]!;
    const pairs = tokens * perToken;
    const logits = ops.keep(ops.to(ops.linear(x, layer), float32));
    const [best, indices] = ops.topK(logits, perToken);
    ops.keep(best);
    ops.keep(indices);
    const weights = ops.keep(ops.to(ops.softmax(best), x.dtype));
    ops.keep(ops.create('zeros', [tokens, experts], weights.dtype));
    ops.keep(ops.create('scatter', [tokens, experts], weights.dtype));
    const counted = ops.derive('to_copy', [], [tokens, experts], int64);
    ops.drop(ops.derive('sum', [counted], [experts], int64));
    ops.keep(ops.create('sort', [pairs], int64));
    const order = ops.keep(ops.create('sort', [pairs], int64));
    const index = ops.keep(ops.create('div', [pairs], int64));
    return [order, index, ops.keep(ops.index(ops.view(weights, [pairs]), [order], [pairs])), logits];
  });
}

/** `GraniteMoeParallelExperts`: a product of each expert's rows with its part of the weight [experts, out, in]. */
const ofEach = (weight: Parameter): Step =>
  module((ops, rows: Tensor): Tensor => {
    const experts = weight.shape[0]!;
    const sizes = new Array<number>(experts).fill(Math.floor(rows.shape[0]! / experts));
    const inputs = ops.split(rows, sizes, 0).map((part) => ops.keep(part));
    const outputs = inputs.map((part) => ops.keep(ops.linearWith(part, ops.select(ops.parameter(weight), 0), null)));
    return ops.cat(outputs, 0);
  });

/** `act(chunk 0) * chunk 1` of the rows that `expand` gives, in the caller's frame. */
function gatedChunks(ops: Operations, [x, expand]: readonly [Tensor, Step], act: Activation): Tensor {
  const h = ops.keep(expand(ops, x));
  const last = h.shape.length - 1;
  const half = h.shape[last]! / 2;
  const [gate, up] = ops.split(h, [half, half], last).map((part) => ops.keep(part)) as [Tensor, Tensor];
  return ops.rebind(h, ops.mul(act(ops, gate), up));
}

/** A gated feed-forward part with gate and linear part in one product, as chunks (Granite's shared expert). */
export function chunkedFeedForward(
  scope: Scope,
  { hidden, width, act }: { hidden: number; width: number; act: Activation },
): Step {
  const expand = scope.linear('input_linear', hidden, 2 * width, { bias: false });
  const project = scope.linear('output_linear', width, hidden, { bias: false });
  return module((ops, x: Tensor): Tensor => {
    const h = gatedChunks(ops, [x, (on, rows) => on.linear(rows, expand)], act);
    return ops.rebind(h, ops.linear(h, project));
  });
}

/** A sparse block of Granite's mixtures, as transformers 4.57 runs it. Tokens are taken to be spread evenly. */
export function parallelExperts(
  scope: Scope,
  sizes: ParallelExperts,
): (ops: Operations, x: Tensor) => [Tensor, Tensor] {
  const { hidden, intermediate, act, experts } = sizes;
  const weightOf = (name: string, out: number, into: number): Parameter =>
    scope.child(name).parameter('weight', [experts, out, into]);
  const expand = ofEach(weightOf('input_linear', 2 * intermediate, hidden));
  const project = ofEach(weightOf('output_linear', hidden, intermediate));
  const choose = gating(scope.child('router'), sizes);
  return module((ops, x: Tensor): [Tensor, Tensor] => {
    const rows = ops.keep(ops.reshape(x, [-1, hidden]));
    const [order, index, gates, logits] = choose(ops, rows);
    for (const routed of [order, index, gates, logits]) ops.keep(routed);
    const inputs = ops.keep(ops.index(rows, [index], [index.shape[0]!, hidden]));
    const h = gatedChunks(ops, [inputs, expand], act);
    let outputs = ops.keep(project(ops, h));
    outputs = ops.rebind(outputs, ops.mul(outputs, ops.unsqueeze(gates, 1)));
    const zeros = ops.keep(ops.create('zeros', rows.shape, outputs.dtype));
    return [ops.view(ops.indexAdd(zeros, index, outputs), x.shape), logits];
  });
}
