import { float32 } from '../dtype.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import type { Attend } from './decoder-attention.js';
import { groupedAttention } from './grouped-attention.js';
import { bareRmsNorm } from './norm-layers.js';
import { applyComplexToRows } from './rotary.js';

/** Attention of a layer of Llama 4. */
export interface TemperedAttention {
  hidden: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
  bias: boolean;
  /** Whether queries and keys that turned are normalised. */
  norms: boolean;
  /** Whether queries without positions are scaled by theirs. */
  tempered: boolean;
  turns: boolean;
  dropout: number;
}

/** `log1p(floor((position + 1) / floor_scale)) * attn_scale + 1` for each position: [1, length, 1, 1]. */
function temperatures(ops: Operations, length: number): Tensor {
  const steps = ['to_copy', 'add', 'div', 'floor', 'log1p', 'mul', 'add'];
  const made = steps.reduce<Tensor[]>((before, name) => [ops.derive(name, before, [length], float32)], []);
  return ops.view(made[0]!, [1, length, 1, 1]);
}

/** Attention of Llama 4: complex numbers turn queries and keys before their heads come first. */
export function temperedAttention(scope: Scope, config: TemperedAttention): Attend {
  const { hidden, heads, keyValueHeads, headSize, bias } = config;
  const widths = [heads, keyValueHeads, keyValueHeads].map((count) => count * headSize);
  const layers = ['q_proj', 'k_proj', 'v_proj'].map((name, i) => scope.linear(name, hidden, widths[i]!, { bias }));
  const output = scope.linear('o_proj', heads * headSize, hidden, { bias });
  if (!config.turns) scope.variant = 'without positions';

  return (ops, x, { cos, mask }) => {
    ops.enter([x, cos, mask]);
    const [batch, length] = x.shape as readonly [number, number];
    const rows = layers.map((layer) => ops.keep(ops.view(ops.linear(x, layer), [batch, length, -1, headSize])));
    let [query, key] = rows as [Tensor, Tensor];
    const value = ops.rebind(rows[2]!, ops.transpose(rows[2]!, 1, 2));
    if (config.turns) {
      const [turnedQuery, turnedKey] = applyComplexToRows(ops, [query, key], [cos, cos]);
      [query, key] = [ops.rebind(query, turnedQuery), ops.rebind(key, turnedKey)];
    }
    if (config.turns && config.norms) {
      query = ops.rebind(query, bareRmsNorm(ops, query));
      key = ops.rebind(key, bareRmsNorm(ops, key));
    }
    if (config.tempered && !config.turns) {
      const scales = ops.keep(temperatures(ops, length));
      query = ops.rebind(query, ops.to(ops.mul(query, scales), query.dtype));
    }
    query = ops.rebind(query, ops.transpose(query, 1, 2));
    key = ops.rebind(key, ops.transpose(key, 1, 2));
    const dropout = ops.dropoutOf(config.dropout);
    const [attended, weights] = groupedAttention(ops, { query, key, value, mask, dropout, softmaxAsIs: true });
    if (weights !== null) ops.keep(weights);
    let out = ops.keep(attended);
    out = ops.rebind(out, ops.contiguous(ops.reshape(out, [batch, length, -1])));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, weights]);
  };
}
