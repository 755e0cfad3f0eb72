import type { Linear, Scope } from '../../module-tree.js';
import type { Operations, Tensor } from '../../operations.js';
import { module } from '../../operations.js';

export interface DiffusersAttention {
  query: Linear;
  key: Linear;
  value: Linear;
  output: Linear;
  heads: number;
}

export interface AttentionSizes {
  width: number;
  heads: number;
  /** Width of what keys and values are made of. */
  context?: number;
  bias?: boolean;
}

/** diffusers' `Attention`: `to_q`, `to_k`, `to_v`, `to_out.0`. */
export function attentionLayers(scope: Scope, sizes: AttentionSizes): DiffusersAttention {
  const { width, heads, context = width, bias = false } = sizes;
  const query = scope.linear('to_q', width, width, { bias });
  const key = scope.linear('to_k', context, width, { bias });
  const value = scope.linear('to_v', context, width, { bias });
  const output = scope.child('to_out').linear('0', width, width);
  return { query, key, value, output, heads };
}

/** `AttnProcessor2_0`: `context` is the text for cross-attention, or the input itself. */
export const attend = (ops: Operations, x: Tensor, context: Tensor | null, layers: DiffusersAttention): Tensor => {
  const { query, key, value, heads } = layers;
  ops.enter([x, context]);
  const batch = x.shape[0]!;
  const size = query.outFeatures / heads;
  let q = ops.keep(ops.linear(x, query));
  const source = context ?? x;
  let k = ops.keep(ops.linear(source, key));
  let v = ops.keep(ops.linear(source, value));
  const intoHeads = (h: Tensor): Tensor => ops.transpose(ops.view(h, [batch, -1, heads, size]), 1, 2);
  q = ops.rebind(q, intoHeads(q));
  k = ops.rebind(k, intoHeads(k));
  v = ops.rebind(v, intoHeads(v));
  let h = ops.keep(ops.scaledDotProductAttention(q, k, v, { causal: false, dropout: 0 }));
  h = ops.rebind(h, ops.reshape(ops.transpose(h, 1, 2), [batch, -1, heads * size]));
  h = ops.rebind(h, ops.linear(h, layers.output));
  return ops.leave(ops.mulScalar(h));
};

export type Activated = 'geglu' | 'gelu';
type Transform = (ops: Operations, x: Tensor) => Tensor;

/** diffusers' `FeedForward`: `net.0.proj`, activation, `net.2`. */
export function feedForward(scope: Scope, width: number, kind: Activated, inner = 4 * width): Transform {
  const net = scope.child('net');
  const first = net.child('0').linear('proj', width, kind === 'geglu' ? 2 * inner : inner);
  const second = net.linear('2', inner, width);
  const gated = module((ops, x: Tensor): Tensor => {
    const both = ops.keep(ops.linear(x, first));
    const [value, gate] = ops.split(both, [inner, inner], 2) as [Tensor, Tensor];
    ops.keep(value);
    ops.keep(gate);
    ops.drop(both);
    return ops.mul(value, ops.gelu(gate));
  });
  const plain = module((ops, x: Tensor): Tensor => {
    const h = ops.keep(ops.linear(x, first));
    return ops.gelu(h);
  });
  return module((ops, x: Tensor): Tensor => {
    const h = ops.keep((kind === 'geglu' ? gated : plain)(ops, x));
    return ops.linear(h, second);
  });
}
