import { float32 } from '../dtype.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Activation } from './activations.js';
import { gatedFeedForward } from './feed-forward.js';

/** Experts of Llama 4, each of which gets every token, most of them times nothing. */
export interface BatchedExperts {
  hidden: number;
  intermediate: number;
  act: Activation;
  experts: number;
  perToken: number;
}

/** `Llama4TextExperts`: two batched products over [experts, tokens, hidden], gate and linear part in one. */
function expertsOf(scope: Scope, { hidden, intermediate, act, experts }: BatchedExperts) {
  const gateUp = scope.parameter('gate_up_proj', [experts, hidden, 2 * intermediate]);
  const down = scope.parameter('down_proj', [experts, intermediate, hidden]);
  return module((ops, x: Tensor): Tensor => {
    const rows = ops.keep(ops.view(x, [experts, -1, hidden]));
    const both = ops.keep(ops.bmm(rows, ops.parameter(gateUp)));
    const halves = ops.split(both, [intermediate, intermediate], 2).map((half) => ops.keep(half));
    const [gate, up] = halves as [Tensor, Tensor];
    const next = ops.keep(ops.bmm(ops.mul(up, act(ops, gate)), ops.parameter(down)));
    return ops.view(next, [-1, hidden]);
  });
}

/** A sparse block of Llama 4 as transformers 4.57 runs it: the output and what the router says. */
export function batchedExperts(scope: Scope, sizes: BatchedExperts): (ops: Operations, x: Tensor) => [Tensor, Tensor] {
  const { hidden, experts, perToken } = sizes;
  const run = expertsOf(scope.child('experts'), sizes);
  const router = scope.linear('router', hidden, experts, { bias: false });
  const shared = gatedFeedForward(scope.child('shared_expert'), { ...sizes, bias: false });
  const route = module((ops, x: Tensor): [Tensor, Tensor] => {
    const logits = ops.keep(ops.linear(x, router));
    const [best, indices] = ops.topK(logits, perToken, 1);
    ops.keep(best);
    ops.keep(indices);
    const least = ops.create('full_like', logits.shape, logits.dtype);
    const scores = ops.keep(ops.scatterInPlace(least, indices, best));
    const weights = ops.to(ops.sigmoid(ops.to(scores, float32)), scores.dtype);
    return [ops.rebind(scores, weights), logits];
  });
  const flat = module((ops, x: Tensor): [Tensor, Tensor] => {
    const rows = ops.keep(ops.reshape(x, [-1, hidden]));
    const tokens = rows.shape[0]!;
    const [scores, logits] = route(ops, rows).map((part) => ops.keep(part)) as [Tensor, Tensor];
    const repeated = ops.reshape(ops.expand(ops.unsqueeze(rows, 0), [experts, tokens, hidden]), [-1, hidden]);
    let routed = ops.keep(repeated);
    routed = ops.rebind(routed, ops.mul(routed, ops.reshape(ops.transpose(scores, 0, 1), [-1, 1])));
    const out = ops.keep(run(ops, routed));
    const always = ops.keep(shared(ops, rows));
    const sum = ops.sum(ops.reshape(out, [experts, -1, hidden]), [0], false);
    return [ops.rebind(always, ops.addInPlace(always, sum)), logits];
  });
  return (ops, x) => {
    const [out, logits] = flat(ops, x);
    return [ops.view(out, x.shape), logits];
  };
}
