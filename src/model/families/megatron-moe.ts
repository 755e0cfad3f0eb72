import { float32, int64 } from '../dtype.js';
import type { Linear, Scope } from '../module-tree.js';
import { splitEvenly } from '../modules/split-layers.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { MegatronConfig } from './megatron-config.js';

type FeedForward = (ops: Operations, x: Tensor) => Tensor;

/** All experts of a rank as one layer: their products are one grouped kernel over all of their tokens. */
function groupedExperts(scope: Scope, config: MegatronConfig): { inner: Linear; outer: Linear } {
  const { hidden, view } = config;
  const mixture = config.mixture!;
  const local = splitEvenly(mixture.experts, view.expert);
  const width = splitEvenly(mixture.intermediate, mixture.tensor) * local;
  const experts = scope.child('experts');
  return {
    inner: experts.linear('linear_fc1', hidden, 2 * width, { bias: false }),
    outer: experts.linear('linear_fc2', width, hidden, { bias: false }),
  };
}

/**
 * A mixture of experts as Megatron-core runs it (megatron/core/transformer/moe): tokens are copied once for each expert
 * that they go to, sent to the ranks that have them, sorted by expert, and come back the same way. Routing is taken to be
 * even, as it is balanced to be.
 */
export function megatronMixture(scope: Scope, config: MegatronConfig, shared: FeedForward | null): FeedForward {
  const { hidden, view } = config;
  const mixture = config.mixture!;
  const router = scope.linear('router', hidden, mixture.experts, { bias: false });
  const { inner, outer } = groupedExperts(scope, config);
  const width = splitEvenly(mixture.intermediate, mixture.tensor);

  const experts = module((ops, tokens: Tensor): Tensor => {
    const between = ops.keep(ops.groupedLinear(tokens, inner, 2 * width));
    const activated = ops.section('moe_act', [between], ([values]) => ops.fusedSwiglu(values!));
    return ops.groupedLinear(activated, outer, hidden);
  });

  return (ops, x) =>
    ops.section('moe', [x], ([given]) => {
      const tokens = ops.keep(ops.view(given!, [-1, hidden]));
      route(ops, tokens, router, mixture.perToken);
      const copies = tokens.shape[0]! * mixture.perToken;
      const spread = exchange(ops, tokens, copies, view.expert > 1);
      const computed = ops.keep(experts(ops, spread));
      const back = exchange(ops, computed, copies, view.expert > 1);
      const combined = ops.permuteRows(back, tokens.shape[0]!);
      const result = ops.view(combined, given!.shape);
      return shared === null ? result : ops.add(result, shared(ops, given!));
    });
}

/** Logits and probabilities in fp32, and which expert each token goes to. */
function route(ops: Operations, tokens: Tensor, router: Linear, perToken: number): void {
  const logits = ops.to(ops.linear(tokens, router), float32);
  const [best, chosen] = ops.topK(ops.keep(logits), perToken);
  ops.keep(ops.softmax(best));
  ops.drop(chosen);
  ops.drop(ops.create('routing_map', [tokens.shape[0]!, perToken], int64));
}

/** Rows in the order of their ranks, sent there and back, and sorted by the experts of the rank. */
function exchange(ops: Operations, rows: Tensor, copies: number, between: boolean): Tensor {
  const ordered = ops.permuteRows(rows, copies);
  if (!between) return ordered;
  return ops.permuteRows(ops.allToAll(ordered), copies);
}
