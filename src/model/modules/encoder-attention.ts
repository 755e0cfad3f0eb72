import type { Linear, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';

export interface EncoderAttention {
  query: Linear;
  key: Linear;
  value: Linear;
  heads: number;
  dropout: number;
}

/** Three projections named as given, in this order. */
export function encoderAttention(
  scope: Scope,
  names: readonly [string, string, string],
  size: { hidden: number; heads: number; dropout: number; bias?: boolean },
): EncoderAttention {
  const { hidden, heads, dropout, bias = true } = size;
  const [query, key, value] = names.map((name) => scope.linear(name, hidden, hidden, { bias })) as [
    Linear,
    Linear,
    Linear,
  ];
  return { query, key, value, heads, dropout };
}

/** Self-attention of BERT's kind: [batch, length, hidden], and eager attention's probabilities. */
export function encoderSelfAttention(
  ops: Operations,
  x: Tensor,
  mask: Tensor | null,
  attention: EncoderAttention,
): [Tensor, Tensor | null] {
  ops.enter([x, mask]);
  const { heads } = attention;
  const [batch, length] = x.shape as readonly [number, number];
  const project = (layer: Linear): Tensor => {
    const shape = [batch, length, heads, layer.outFeatures / heads];
    return ops.keep(ops.transpose(ops.view(ops.linear(x, layer), shape), 1, 2));
  };
  const query = project(attention.query);
  const key = project(attention.key);
  const value = project(attention.value);
  const dropout = ops.dropoutOf(attention.dropout);
  if (ops.attention === 'eager') return ops.leave(eager(ops, [query, key, value], mask, dropout));
  const attended = ops.keep(ops.scaledDotProductAttention(query, key, value, { mask, causal: false, dropout }));
  return ops.leave([ops.reshape(ops.transpose(attended, 1, 2), [batch, length, -1]), null]);
}

function eager(
  ops: Operations,
  [query, key, value]: readonly [Tensor, Tensor, Tensor],
  mask: Tensor | null,
  dropout: number,
): [Tensor, Tensor] {
  let scores = ops.keep(ops.matmul(query, ops.transpose(key, 2, 3)));
  scores = ops.rebind(scores, ops.mulScalar(scores));
  if (mask !== null) scores = ops.rebind(scores, ops.add(scores, mask));
  let probabilities = ops.keep(ops.softmax(scores));
  probabilities = ops.rebind(probabilities, ops.dropout(probabilities, dropout));
  let context = ops.keep(ops.matmul(probabilities, value));
  context = ops.rebind(context, ops.contiguous(ops.permute(context, [0, 2, 1, 3])));
  return [ops.view(context, [context.shape[0]!, context.shape[1]!, -1]), probabilities];
}
