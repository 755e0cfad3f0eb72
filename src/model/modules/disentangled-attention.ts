import { bool, float32, int64 } from '../dtype.js';
import type { Linear, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';

export interface DisentangledSizes {
  hidden: number;
  heads: number;
  headSize: number;
  /** Rows of the table of relative positions on each side. */
  span: number;
  /** Positions go through the projections of the content. */
  sharesKeys: boolean;
  contentToPosition: boolean;
  positionToContent: boolean;
  dropout: number;
  attentionDropout: number;
}

/** `make_log_bucket_position`: the bucket of each pair of positions, in logarithmic steps, as fp32. */
function buckets(ops: Operations, relative: Tensor): Tensor {
  ops.enter([relative]);
  const { shape } = relative;
  const long = (name: string, inputs: readonly Tensor[]): Tensor => ops.derive(name, inputs, shape, int64);
  const real = (name: string, inputs: readonly Tensor[]): Tensor => ops.derive(name, inputs, shape, float32);
  ops.keep(long('sign', []));
  const parts = [ops.derive('lt', [], shape, bool), ops.derive('gt', [], shape, bool)];
  const near = ops.derive('bitwise_and', parts, shape, bool);
  const middle = ops.create('to_copy', [], int64);
  ops.keep(long('where', [near, middle, long('abs', [])]));
  const ratio = real('div', [real('log', [real('div', [])])]);
  ops.keep(real('add', [real('ceil', [real('mul', [ratio])])]));
  const within = ops.derive('le', [], shape, bool);
  const own = real('to_copy', []);
  return ops.leave(real('where', [within, own, real('mul', [])]));
}

/** `build_relative_position`: [1, length, length], the same for all layers. */
export function logarithmicPositions(ops: Operations, length: number): Tensor {
  ops.enter([]);
  ops.keep(ops.create('arange', [length], int64));
  ops.keep(ops.create('arange', [length], int64));
  const relative = ops.keep(ops.create('sub', [length, length], int64));
  const bucketed = ops.rebind(relative, buckets(ops, relative));
  const whole = ops.rebind(bucketed, ops.to(bucketed, int64));
  return ops.leave(ops.unsqueeze(whole, 0));
}

export interface DisentangledInputs {
  x: Tensor;
  /** [batch, 1, length, length] */
  mask: Tensor;
  relative: Tensor;
  table: Tensor;
}

/** `DisentangledSelfAttention` of DeBERTa v2: content to content, content to position, position to content. */
export function disentangledAttention(
  scope: Scope,
  sizes: DisentangledSizes,
): (ops: Operations, inputs: DisentangledInputs) => Tensor {
  const { hidden, heads, headSize, sharesKeys } = sizes;
  const width = heads * headSize;
  const [query, key, value] = ['query_proj', 'key_proj', 'value_proj'].map((name) =>
    scope.linear(name, hidden, width),
  ) as [Linear, Linear, Linear];
  const own = (wanted: boolean, name: string): Linear | null =>
    !sharesKeys && wanted ? scope.linear(name, hidden, width) : null;
  const positionKey = own(sizes.contentToPosition, 'pos_key_proj') ?? key;
  const positionQuery = own(sizes.positionToContent, 'pos_query_proj') ?? query;

  /** [batch * heads, length, head size], a copy. */
  const apart = (ops: Operations, x: Tensor, layer: Linear): Tensor => {
    const [batch, length] = x.shape as readonly [number, number];
    const rows = ops.permute(ops.view(ops.linear(x, layer), [batch, length, heads, headSize]), [0, 2, 1, 3]);
    return ops.view(ops.contiguous(rows), [batch * heads, length, headSize]);
  };
  /** The same for the table's rows, once for every sequence. */
  const repeated = (ops: Operations, rows: Tensor, layer: Linear, batch: number): Tensor => {
    const heads4 = ops.unsqueeze(apart(ops, rows, layer), 0);
    const wide = ops.expand(heads4, [batch, heads, rows.shape[1]!, headSize]);
    return ops.view(ops.contiguous(wide), [batch * heads, rows.shape[1]!, headSize]);
  };
  const along = (ops: Operations, scores: Tensor, places: Tensor): Tensor => {
    const [many, length] = scores.shape as readonly [number, number];
    return ops.gather(scores, 2, ops.expand(ops.view(places, [1, length, length]), [many, length, length]));
  };

  const positionScores = (ops: Operations, q: Tensor, k: Tensor, { relative, table }: DisentangledInputs): Tensor => {
    ops.enter([q, k, relative, table]);
    const length = q.shape[1]!;
    const batch = q.shape[0]! / heads;
    const square = [1, 1, length, length];
    const rows = ops.keep(ops.unsqueeze(table, 0));
    const asQuery = (): Tensor => ops.keep(repeated(ops, rows, positionQuery, batch));
    let queries = sharesKeys ? asQuery() : null;
    const keys = ops.keep(repeated(ops, rows, positionKey, batch));
    queries ??= asQuery();
    let score: Tensor | null = null;
    if (sizes.contentToPosition) {
      let scores = ops.keep(ops.bmm(q, ops.transpose(keys, 1, 2)));
      const places = ops.keep(ops.derive('clamp', [ops.derive('add', [], square, int64)], square, int64));
      scores = ops.rebind(scores, along(ops, scores, places));
      score = ops.keep(ops.addScalar(ops.mulScalar(scores)));
    }
    if (sizes.positionToContent) {
      const turned = ops.derive('add', [ops.derive('neg', [], square, int64)], square, int64);
      const places = ops.keep(ops.derive('clamp', [turned], square, int64));
      let scores = ops.keep(ops.bmm(k, ops.transpose(queries, 1, 2)));
      scores = ops.rebind(scores, ops.transpose(along(ops, scores, places), 1, 2));
      const scaled = ops.mulScalar(scores);
      score = score === null ? ops.keep(ops.addScalar(scaled)) : ops.rebind(score, ops.addInPlace(score, scaled));
    }
    return ops.leave(score!);
  };

  return (ops, inputs) => {
    const { x, mask, relative, table } = inputs;
    ops.enter([x, mask, relative, table]);
    const [batch, length] = x.shape as readonly [number, number];
    const [q, k, v] = [query, key, value].map((layer) => ops.keep(apart(ops, x, layer))) as [Tensor, Tensor, Tensor];
    let scores = ops.keep(ops.bmm(q, ops.mulScalar(ops.transpose(k, 1, 2))));
    const dropped = ops.dropout(table, ops.dropoutOf(sizes.dropout));
    const rows = dropped === table ? table : ops.keep(dropped);
    const biases = ops.keep(positionScores(ops, q, k, { ...inputs, table: rows }));
    scores = ops.rebind(scores, ops.add(scores, biases));
    scores = ops.rebind(scores, ops.view(scores, [batch, heads, length, length]));
    ops.keep(ops.derive('to_copy', [], mask.shape, bool));
    const absent = ops.derive('bitwise_not', [], mask.shape, bool);
    scores = ops.rebind(scores, ops.maskedFill(scores, absent));
    let weights = ops.keep(ops.softmax(scores));
    weights = ops.rebind(weights, ops.dropout(weights, ops.dropoutOf(sizes.attentionDropout)));
    let context = ops.keep(ops.bmm(ops.view(weights, [batch * heads, length, length]), v));
    const together = ops.permute(ops.view(context, [batch, heads, length, headSize]), [0, 2, 1, 3]);
    context = ops.rebind(context, ops.contiguous(together));
    return ops.leave(ops.rebind(context, ops.view(context, [batch, length, heads * headSize])));
  };
}
