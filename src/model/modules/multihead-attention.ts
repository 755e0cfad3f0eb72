import type { Linear, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Step } from './sequential.js';

export interface MultiheadAttentionOptions {
  width: number;
  heads: number;
  dropout: number;
}

/** The packed projection is a parameter of the attention module itself, not a linear layer that adapters find. */
function packedProjection(scope: Scope, width: number): Linear {
  const weight = scope.parameter('in_proj_weight', [3 * width, width]);
  const bias = scope.parameter('in_proj_bias', [3 * width]);
  const features = { inFeatures: width, outFeatures: 3 * width };
  return { index: -1, path: `${scope.path}.in_proj`, ...features, weight, bias, transposed: false };
}

/** `_in_projection_packed`: queries, keys and values as slices of one copy. */
const projectPacked = (projection: Linear) =>
  module((ops, x: Tensor): Tensor[] => {
    const [length, batch, width] = x.shape as readonly [number, number, number];
    const projected = ops.keep(ops.linear(x, projection));
    const apart = ops.permute(ops.view(projected, [length, batch, 3, width]), [2, 0, 1, 3]);
    const copy = ops.rebind(projected, ops.contiguous(apart));
    return [0, 1, 2].map(() => ops.select(copy, 0));
  });

/** Each [length, batch, width] as [batch, heads, length, head size], by way of [batch * heads, length, head size]. */
function asHeads(ops: Operations, parts: readonly Tensor[], heads: number): Tensor[] {
  const [length, batch, width] = parts[0]!.shape as readonly [number, number, number];
  const size = width / heads;
  const rows = parts.map((x) => ops.rebind(x, ops.transpose(ops.view(x, [length, batch * heads, size]), 0, 1)));
  return rows.map((x) => ops.rebind(x, ops.view(x, [batch, heads, length, size])));
}

/** `nn.MultiheadAttention` (batch first, no weights asked for) of a sequence to itself. */
export function multiheadSelfAttention(scope: Scope, { width, heads, dropout }: MultiheadAttentionOptions): Step {
  const project = projectPacked(packedProjection(scope, width));
  const outProjection = scope.linear('out_proj', width, width);
  const attend = module((ops, sequenceFirst: Tensor): Tensor => {
    const [length, batch] = sequenceFirst.shape as readonly [number, number];
    const parts = project(ops, sequenceFirst).map((part) => ops.keep(part));
    const [query, key, value] = asHeads(ops, parts, heads) as [Tensor, Tensor, Tensor];
    const options = { causal: false, dropout: ops.dropoutOf(dropout) };
    let out = ops.keep(ops.scaledDotProductAttention(query, key, value, options));
    out = ops.rebind(out, ops.view(ops.contiguous(ops.permute(out, [2, 0, 1, 3])), [batch * length, width]));
    out = ops.rebind(out, ops.linear(out, outProjection));
    return ops.view(out, [length, batch, width]);
  });
  return module((ops, x: Tensor): Tensor => {
    const sequenceFirst = ops.keep(ops.transpose(x, 0, 1));
    const out = ops.keep(attend(ops, sequenceFirst));
    return ops.transpose(out, 0, 1);
  });
}
