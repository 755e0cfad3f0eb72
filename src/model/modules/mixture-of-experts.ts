import { bool, float32, int64 } from '../dtype.js';
import type { Linear, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Activation } from './activations.js';
import { gatedFeedForward } from './feed-forward.js';
import type { Step } from './sequential.js';

export interface MixtureSizes {
  hidden: number;
  intermediate: number;
  experts: number;
  /** Experts that each token goes to. */
  perToken: number;
  /** Whether the weights of a token's experts are made to sum to one. */
  normalises: boolean;
  act: Activation;
  /** Whether experts that nobody chose are found and passed over (transformers' newer loop). */
  findsHits?: boolean;
  /** How experts are chosen of the router's logits: weights and indices; softmax and the best where left out. */
  choose?: (ops: Operations, logits: Tensor) => [weights: Tensor, indices: Tensor];
  /** Width of an expert that every token goes to, weighed by a gate of its own (Qwen2-MoE). */
  shared?: number;
  /** Names of an expert's gate, down and up projections, in the order in which they are declared. */
  names: readonly (readonly ['gate' | 'up' | 'down', string])[];
}

type Expert = Record<'gate' | 'up' | 'down', Linear>;

function expert(scope: Scope, { hidden, intermediate, names }: MixtureSizes): Expert {
  const layers = names.map(([role, name]) => {
    const [from, to] = role === 'down' ? [intermediate, hidden] : [hidden, intermediate];
    return [role, scope.linear(name, from, to, { bias: false })] as const;
  });
  return Object.fromEntries(layers) as Expert;
}

/**
 * A sparse block as transformers 4.57 runs it: router, softmax in fp32, the best experts of each token, then a loop over
 * the experts with their tokens. Tokens are taken to be spread evenly, as trained routers aim at.
 */
export function mixtureOfExperts(
  scope: Scope,
  sizes: MixtureSizes,
): (ops: Operations, x: Tensor) => [result: Tensor, routerLogits: Tensor] {
  const router = scope.linear('gate', sizes.hidden, sizes.experts, { bias: false });
  const parent = scope.child('experts');
  const experts = Array.from({ length: sizes.experts }, (_, i) => expert(parent.child(String(i)), sizes));
  const share = sizes.shared === undefined ? null : sharedExpert(scope, sizes, sizes.shared);

  return module((ops, x: Tensor): [Tensor, Tensor] => {
    const tokens = ops.keep(ops.view(x, [-1, sizes.hidden]));
    const logits = ops.keep(ops.linear(tokens, router));
    const weights = sizes.choose ? chosen(ops, sizes.choose(ops, logits)) : route(ops, tokens, logits, sizes);
    let result = ops.keep(ops.create('zeros', tokens.shape, tokens.dtype));
    const mask = expertMask(ops, tokens.shape[0]!, sizes);
    const perExpert = Math.floor((tokens.shape[0]! * sizes.perToken) / sizes.experts);
    const names: LoopNames = { found: null, state: null, output: null };
    for (const layers of experts) {
      bind(ops, names, 'found', tokensOf(ops, mask, perExpert, sizes.findsHits ?? true));
      const state = ops.index(ops.unsqueeze(tokens, 0), [names.found!], [1, perExpert, sizes.hidden]);
      bind(ops, names, 'state', ops.view(state, [perExpert, sizes.hidden]));
      const output = runExpert(ops, names.state!, layers, sizes.act);
      const weight = ops.index(weights, [names.found!], [perExpert, 1]);
      bind(ops, names, 'output', ops.mul(output, weight));
      result = ops.rebind(result, ops.indexAddInPlace(result, names.found!, ops.to(names.output!, tokens.dtype)));
    }
    if (share !== null) {
      const shared = ops.keep(share(ops, tokens));
      result = ops.rebind(result, ops.add(result, shared));
    }
    return [ops.view(result, x.shape), logits];
  });
}

/** `sigmoid(gate(x)) * expert(x)`, in the caller's frame. */
function sharedExpert(scope: Scope, sizes: MixtureSizes, intermediate: number): Step {
  const run = gatedFeedForward(scope.child('shared_expert'), { ...sizes, intermediate, bias: false });
  const gate = scope.linear('shared_expert_gate', sizes.hidden, 1, { bias: false });
  return (ops, x) => {
    const out = ops.keep(run(ops, x));
    return ops.rebind(out, ops.mul(ops.sigmoid(ops.linear(x, gate)), out));
  };
}

/** Names of the loop's body, each bound anew for the next expert. */
type LoopNames = Record<'found' | 'state' | 'output', Tensor | null>;

function bind(ops: Operations, names: LoopNames, name: keyof LoopNames, value: Tensor): void {
  const old = names[name];
  names[name] = old === null ? ops.keep(value) : ops.rebind(old, value);
}

function chosen(ops: Operations, [weights, indices]: [Tensor, Tensor]): Tensor {
  ops.keep(weights);
  ops.keep(indices);
  return weights;
}

/** Weights of each token's experts, in the tokens' type. */
function route(ops: Operations, tokens: Tensor, logits: Tensor, { perToken, normalises }: MixtureSizes): Tensor {
  const all = ops.keep(ops.softmax(logits, float32));
  const [best, chosen] = ops.topK(all, perToken);
  ops.keep(chosen);
  let weights = ops.rebind(all, best);
  if (normalises) weights = ops.rebind(weights, ops.divInPlace(weights, ops.sum(weights, [-1], true)));
  return ops.rebind(weights, ops.to(weights, tokens.dtype));
}

/** The one-hot mask [experts, per token, tokens] of who goes where, and the list of experts that are hit. */
function expertMask(ops: Operations, tokens: number, { experts, perToken, findsHits = true }: MixtureSizes): Tensor {
  const numbers = ops.create('arange', [experts], int64);
  const hits = ops.derive('eq', [], [tokens, perToken, experts], bool);
  const mask = ops.keep(ops.derive('to_copy', [numbers, hits], [experts, perToken, tokens], int64));
  if (!findsHits) return mask;
  const sums = ops.derive('sum', [], [experts], int64);
  ops.keep(ops.derive('nonzero', [ops.derive('gt', [sums], [experts], bool)], [experts, 1], int64));
  return mask;
}

/** `torch.where(expert_mask[expert])`: pairs of place among the token's experts and token. */
function tokensOf(ops: Operations, mask: Tensor, count: number, copies: boolean): Tensor {
  const [, perToken, tokens] = mask.shape as readonly [number, number, number];
  const own = copies ? [ops.derive('index', [], [perToken, tokens], int64)] : [];
  return ops.derive('nonzero', own, [count, 2], int64);
}

const runExpert = (ops: Operations, x: Tensor, layers: Expert, act: Activation): Tensor =>
  ops.linear(ops.mul(act(ops, ops.linear(x, layers.gate)), ops.linear(x, layers.up)), layers.down);
