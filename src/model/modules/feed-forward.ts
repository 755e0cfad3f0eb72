import type { Linear, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Activation } from './activations.js';
import type { Step } from './sequential.js';

export interface FeedForwardSizes {
  hidden: number;
  intermediate: number;
  bias: boolean;
  act: Activation;
  /** Of the result. */
  dropout?: number;
}

/** The product of both branches: in one kernel where the run has one. */
function gated(ops: Operations, [x, gate, up]: readonly [Tensor, Linear, Linear], act: Activation): Tensor {
  if (ops.kernels.has('liger')) return ops.swiglu(ops.linear(x, gate), ops.linear(x, up));
  return ops.mul(act(ops, ops.linear(x, gate)), ops.linear(x, up));
}

/** `down(act(gate(x)) * up(x))`, Llama's. */
export function gatedFeedForward(
  scope: Scope,
  { hidden, intermediate, bias, act, dropout = 0 }: FeedForwardSizes,
): Step {
  const gate = scope.linear('gate_proj', hidden, intermediate, { bias });
  const up = scope.linear('up_proj', hidden, intermediate, { bias });
  const down = scope.linear('down_proj', intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor => {
    const result = ops.linear(gated(ops, [x, gate, up], act), down);
    return dropout === 0 ? result : ops.dropout(ops.keep(result), ops.dropoutOf(dropout));
  });
}

/** `down(act(up(x)))` without a gate. */
export function plainFeedForward(scope: Scope, { hidden, intermediate, bias, act }: FeedForwardSizes): Step {
  const up = scope.linear('up_proj', hidden, intermediate, { bias });
  const down = scope.linear('down_proj', intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor => ops.linear(act(ops, ops.linear(x, up)), down));
}

/** `dropout(project(act(expand(x))))`, each step bound to the same name (GPT-Neo, GPT-J, CodeGen). */
export function gptFeedForward(
  scope: Scope,
  [expandName, projectName]: readonly [string, string],
  { hidden, intermediate, bias, act, dropout = 0 }: FeedForwardSizes,
): Step {
  const expand = scope.linear(expandName, hidden, intermediate, { bias });
  const project = scope.linear(projectName, intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, expand));
    h = ops.rebind(h, act(ops, h));
    h = ops.rebind(h, ops.linear(h, project));
    return ops.rebind(h, ops.dropout(h, ops.dropoutOf(dropout)));
  });
}

/** Gate and up projection in one, split into views: Phi-3's and GLM's. */
export function fusedFeedForward(scope: Scope, { hidden, intermediate, bias, act }: FeedForwardSizes): Step {
  const expand = scope.linear('gate_up_proj', hidden, 2 * intermediate, { bias });
  const project = scope.linear('down_proj', intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor => {
    const fused = ops.keep(ops.linear(x, expand));
    const [gate, rest] = ops.split(fused, [intermediate, intermediate], 2) as [Tensor, Tensor];
    ops.keep(gate);
    const up = ops.rebind(fused, rest);
    return ops.linear(ops.rebind(up, ops.mul(up, act(ops, gate))), project);
  });
}

/** The feed-forward part of a layer: its output and, of experts, what the router says. */
export type Feed = (ops: Operations, x: Tensor) => [Tensor, Tensor | null];
/** Declares the feed-forward part of the n-th layer in that layer's scope. */
export type FeedPart = (scope: Scope, layer: number) => Feed;

/** The same module in every layer. */
export const denseFeed =
  (name: string, write: (scope: Scope, sizes: FeedForwardSizes) => Step, sizes: FeedForwardSizes): FeedPart =>
  (scope) => {
    const step = write(scope.child(name), sizes);
    return (ops, x) => [step(ops, x), null];
  };
