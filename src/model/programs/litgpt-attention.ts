import { float32 } from '../dtype.js';
import type { LitGptConfig } from './litgpt-config.js';
import type { Linear, Parameter, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

type Heads = readonly [query: Tensor, key: Tensor, value: Tensor];

/** `apply_rope`: angles are in fp32, and so is all that they are multiplied with. */
const applyRope = module((ops, x: Tensor, cos: Tensor, sin: Tensor): Tensor => {
  const last = x.shape.length - 1;
  const half = Math.floor(x.shape[last]! / 2);
  const first = ops.keep(ops.slice(x, last, 0, half));
  const second = ops.keep(ops.slice(x, last, half, x.shape[last]!));
  const rotated = ops.keep(ops.cat([ops.neg(second), first], last));
  const roped = ops.keep(ops.add(ops.mul(x, cos), ops.mul(rotated, sin)));
  return ops.to(roped, x.dtype);
});

/** What turns, and what stays as it is, even where that is nothing. */
function rotate(ops: Operations, x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  const [size, turning] = [x.shape[3]!, cos.shape[cos.shape.length - 1]!];
  const roped = ops.keep(applyRope(ops, ops.slice(x, 3, 0, turning), cos, sin));
  return ops.cat([roped, ops.slice(x, 3, turning, size)], 3);
}

/** Until release 0.5.5 the product held query, key and value heads group by group (pull request 1013). */
const INTERLEAVED_BEFORE = [0, 5, 5];

/** The parts of the merged product, in the caller's frame: views where strides allow it. */
function interleavedHeads(ops: Operations, merged: Tensor, config: LitGptConfig): Heads {
  const { heads, groups, headSize } = config;
  const [batch, length] = merged.shape as readonly [number, number, number];
  const perGroup = heads / groups;
  let qkv = ops.rebind(merged, ops.view(merged, [batch, length, groups, perGroup + 2, headSize]));
  qkv = ops.rebind(qkv, ops.permute(qkv, [0, 2, 3, 1, 4]));
  const [q, k, v] = ops.split(qkv, [perGroup, 1, 1], 2).map((part) => ops.keep(part)) as [Tensor, Tensor, Tensor];
  const expanded = (x: Tensor): Tensor =>
    groups === heads ? x : ops.rebind(x, ops.expand(x, [batch, groups, perGroup, length, headSize]));
  const key = expanded(k);
  const value = expanded(v);
  const asHeads = (x: Tensor): Tensor => ops.rebind(x, ops.reshape(x, [batch, -1, length, headSize]));
  return [asHeads(q), asHeads(key), asHeads(value)];
}

function separateHeads(ops: Operations, merged: Tensor, { heads, groups, headSize }: LitGptConfig): Heads {
  const [batch, length] = merged.shape as readonly [number, number, number];
  const sizes = [heads, groups, groups].map((count) => count * headSize);
  const parts = ops.split(merged, sizes, 2).map((part) => ops.keep(part));
  const views = parts.map((part) => ops.rebind(part, ops.view(part, [batch, length, -1, headSize])));
  return views.map((part) => ops.rebind(part, ops.transpose(part, 1, 2))) as unknown as Heads;
}

/** `repeat_interleave` of key or value heads: gathered by an index, copied. */
function repeated(ops: Operations, x: Tensor, groups: number): Tensor {
  const [batch, heads, length, size] = x.shape as readonly [number, number, number, number];
  const unfolded = ops.expand(ops.unsqueeze(x, 2), [batch, heads, groups, length, size]);
  return ops.rebind(x, ops.reshape(unfolded, [batch, heads * groups, length, size]));
}

/** Scores by hand, since SDPA cannot cap them (Gemma 2). */
function cappedAttention(ops: Operations, [query, key, value]: Heads): Tensor {
  const [length, dtype] = [query.shape[2]!, query.dtype];
  let scores = ops.keep(ops.mulScalar(ops.matmul(query, ops.transpose(key, 2, 3))));
  scores = ops.rebind(scores, ops.mulScalar(ops.tanh(ops.mulScalar(scores))));
  const mask = ops.keep(ops.derive('triu', [ops.create('ones', [length, length], dtype)], [length, length], dtype));
  scores = ops.rebind(scores, ops.add(scores, mask));
  scores = ops.rebind(scores, ops.to(ops.softmax(scores, float32), dtype));
  return ops.matmul(scores, value);
}

function attend(ops: Operations, heads: Heads, { softCaps }: LitGptConfig): Tensor {
  ops.enter(heads);
  const attended = softCaps.attention
    ? cappedAttention(ops, heads)
    : ops.scaledDotProductAttention(...heads, { causal: true, dropout: 0 });
  return ops.leave(ops.transpose(ops.keep(attended), 1, 2));
}

interface Projections {
  merged: Linear;
  output: Linear;
  norms: readonly Parameter[];
}

function projections(scope: Scope, config: LitGptConfig): Projections {
  const { hidden, heads, groups, headSize, bias, attentionBias } = config;
  const parts = [
    { name: 'q_proj', outFeatures: heads * headSize },
    { name: 'k_proj', outFeatures: groups * headSize },
    { name: 'v_proj', outFeatures: groups * headSize },
  ];
  const width = (heads + 2 * groups) * headSize;
  const merged = scope.linear('qkv', hidden, width, { bias: bias || attentionBias, parts });
  const output = scope.linear('o_proj', heads * headSize, hidden, { bias });
  const norms = config.headNorms
    ? ['norm_q', 'norm_k'].map((name) => scope.child(name).parameter('weight', [headSize]))
    : [];
  return { merged, output, norms };
}

type Attention = (ops: Operations, x: Tensor, cos: Tensor, sin: Tensor) => Tensor;

export type RmsNorm = (ops: Operations, x: Tensor, weight: Parameter) => Tensor;

/** `CausalSelfAttention`: one product for queries, keys and values, heads shared by copying them. */
export function litGptAttention(scope: Scope, config: LitGptConfig, rmsNorm: RmsNorm): Attention {
  const { merged, output, norms } = projections(scope, config);
  return module((ops, x: Tensor, cos: Tensor, sin: Tensor): Tensor => {
    const interleaved = ops.isBefore('litgpt', INTERLEAVED_BEFORE);
    const qkv = ops.keep(ops.linear(x, merged));
    let [query, key, value] = interleaved ? interleavedHeads(ops, qkv, config) : separateHeads(ops, qkv, config);
    if (norms.length > 0) {
      query = ops.rebind(query, rmsNorm(ops, query, norms[0]!));
      key = ops.rebind(key, rmsNorm(ops, key, norms[1]!));
    }
    query = ops.rebind(query, rotate(ops, query, cos, sin));
    key = ops.rebind(key, rotate(ops, key, cos, sin));
    if (!interleaved && config.groups !== config.heads) {
      key = repeated(ops, key, config.heads / config.groups);
      value = repeated(ops, value, config.heads / config.groups);
    }
    const y = ops.keep(attend(ops, [query, key, value], config));
    const rows = ops.rebind(y, ops.reshape(y, [x.shape[0]!, x.shape[1]!, -1]));
    return ops.linear(rows, output);
  });
}
