import { bool, int64 } from '../dtype.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Activation } from './activations.js';
import type { Select } from './expert-selection.js';
import { gatedFeedForward } from './feed-forward.js';
import type { Step } from './sequential.js';

/** Experts beside one that every token goes to. */
export interface SharedMixture {
  hidden: number;
  intermediate: number;
  experts: number;
  perToken: number;
  /** Width of the shared expert; 0: there is none. */
  shared: number;
  act: Activation;
  select: (scope: Scope) => Select;
  /** How the experts' tokens are found: each expert's by itself, or all sorted first. */
  dispatch?: Dispatch;
}

/** Runs the experts over rows, with which experts each row goes to and their weights. */
export type Dispatch = (ops: Operations, experts: readonly Step[], routed: Routed) => Tensor;
export type Routed = readonly [x: Tensor, indices: Tensor, weights: Tensor];

/** Names of the loop's body, each bound anew for the next expert. */
type Name = 'found' | 'weights' | 'input' | 'output' | 'weighted';

function binder(ops: Operations): (name: Name, value: Tensor) => Tensor {
  const bound = new Map<Name, Tensor>();
  return (name, value) => {
    const old = bound.get(name);
    bound.set(name, value);
    return old === undefined ? ops.keep(value) : ops.rebind(old, value);
  };
}

/** `moe` of DeepSeek V3: a loop over the experts with their tokens, summed in the weights' type. */
function loopOver(ops: Operations, experts: readonly Step[], [x, indices, weights]: Routed): Tensor {
  ops.enter([x, indices, weights]);
  const [tokens, hidden] = x.shape as readonly [number, number];
  const perToken = indices.shape[1]!;
  const perExpert = Math.floor((tokens * perToken) / experts.length);
  let result = ops.keep(ops.create('zeros_like', x.shape, weights.dtype));
  const numbers = ops.create('arange', [experts.length], int64);
  const hits = ops.derive('eq', [], [tokens, perToken, experts.length], bool);
  ops.keep(ops.derive('to_copy', [numbers, hits], [tokens, perToken, experts.length], int64));
  const bind = binder(ops);
  for (const expert of experts) {
    const found = bind('found', ops.create('nonzero', [perExpert, 2], int64));
    const own = bind('weights', ops.index(weights, [found], [perExpert]));
    const input = bind('input', ops.index(x, [found], [perExpert, hidden]));
    const output = bind('output', expert(ops, input));
    const weighted = bind('weighted', ops.mul(output, ops.unsqueeze(own, 1)));
    result = ops.rebind(result, ops.indexAddInPlace(result, found, weighted));
  }
  return ops.leave(ops.to(result, x.dtype));
}

/** A sparse block of DeepSeek V3's kind, as transformers 4.57 runs it. Tokens are taken to be spread evenly. */
export function sharedMixture(scope: Scope, config: SharedMixture): (ops: Operations, x: Tensor) => [Tensor, null] {
  const { hidden, intermediate, shared, act, dispatch = loopOver } = config;
  const parent = scope.child('experts');
  const sizes = { hidden, intermediate, act, bias: false };
  const experts = Array.from({ length: config.experts }, (_, i) => gatedFeedForward(parent.child(String(i)), sizes));
  const select = config.select(scope.child('gate'));
  const always =
    shared > 0 ? gatedFeedForward(scope.child('shared_experts'), { ...sizes, intermediate: shared }) : null;
  const run = module((ops, x: Tensor): Tensor => {
    const [indices, weights] = select(ops, x);
    ops.keep(indices);
    ops.keep(weights);
    const rows = ops.keep(ops.view(x, [-1, hidden]));
    let h = ops.rebind(rows, ops.view(dispatch(ops, experts, [rows, indices, weights]), x.shape));
    if (always !== null) h = ops.rebind(h, ops.add(h, always(ops, x)));
    return h;
  });
  return (ops, x) => [run(ops, x), null];
}
