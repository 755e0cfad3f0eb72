import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import type { Attend } from './decoder-attention.js';
import { groupedAttention } from './grouped-attention.js';
import type { NormLayer } from './norm-layers.js';
import type { Rotation } from './rotary.js';
import type { Step } from './sequential.js';

/** Dimensions of multi-head latent attention. */
export interface LatentAttention {
  hidden: number;
  heads: number;
  /** Width that queries are squeezed to; null: they are not. */
  queryRank: number | null;
  /** Width that keys and values are squeezed to together. */
  keyValueRank: number;
  /** Parts of a query or key head: without positions, and the part that turns. */
  still: number;
  turning: number;
  valueSize: number;
  bias: boolean;
  dropout: number;
  norm: NormLayer;
  rotation: Rotation;
}

/** Queries in one product, or squeezed, normalised and widened again. */
function queries(scope: Scope, config: LatentAttention): Step {
  const { hidden, heads, queryRank, bias } = config;
  const width = heads * (config.still + config.turning);
  if (queryRank === null) {
    const project = scope.linear('q_proj', hidden, width, { bias: false });
    return (ops, x) => ops.linear(x, project);
  }
  const down = scope.linear('q_a_proj', hidden, queryRank, { bias });
  const norm = config.norm(scope, 'q_a_layernorm', [queryRank]);
  const up = scope.linear('q_b_proj', queryRank, width, { bias: false });
  return (ops, x) => ops.linear(norm(ops, ops.linear(x, down)), up);
}

/** Values as wide as queries, as flash-attention wants them. */
const widened = (ops: Operations, value: Tensor, width: number): Tensor =>
  ops.attention === 'flash' && value.shape[3] !== width ? ops.pad(value, [0, width - value.shape[3]!]) : value;

/**
 * Attention whose keys and values are made of one narrow vector for each token (DeepSeek V2 and V3): the turning part of
 * the keys is shared by all heads.
 */
export function latentAttention(scope: Scope, config: LatentAttention): Attend {
  const { hidden, heads, keyValueRank, still, turning, valueSize, bias } = config;
  const project = queries(scope, config);
  const squeeze = scope.linear('kv_a_proj_with_mqa', hidden, keyValueRank + turning, { bias });
  const norm = config.norm(scope, 'kv_a_layernorm', [keyValueRank]);
  const widen = scope.linear('kv_b_proj', keyValueRank, heads * (still + valueSize), { bias: false });
  const output = scope.linear('o_proj', heads * valueSize, hidden, { bias });

  return (ops, x, { cos, sin, mask }) => {
    ops.enter([x, cos, sin, mask]);
    const [batch, length] = x.shape as readonly [number, number];
    const intoHeads = (rows: Tensor): Tensor => ops.transpose(ops.view(rows, [batch, length, heads, -1]), 1, 2);
    const keepSplit = (whole: Tensor, sizes: readonly number[]): [Tensor, Tensor] =>
      ops.split(whole, sizes, whole.shape.length - 1).map((part) => ops.keep(part)) as [Tensor, Tensor];

    let query = ops.keep(project(ops, x));
    query = ops.rebind(query, intoHeads(query));
    const [queryStill, queryTurns] = keepSplit(query, [still, turning]);
    const squeezed = ops.keep(ops.linear(x, squeeze));
    const [latent, sharedKey] = keepSplit(squeezed, [keyValueRank, turning]);
    const pairs = ops.rebind(latent, intoHeads(ops.linear(norm(ops, latent), widen)));
    const [stillKey, value] = ops.split(pairs, [still, valueSize], 3) as [Tensor, Tensor];
    const keyStill = ops.rebind(pairs, stillKey);
    ops.keep(value);
    const keyTurns = ops.rebind(sharedKey, ops.view(sharedKey, [batch, 1, length, turning]));
    const [turnedQuery, turnedKey] = config.rotation(ops, [queryTurns, keyTurns], [cos, sin]);
    const queryPart = ops.rebind(queryTurns, turnedQuery);
    let keyPart = ops.rebind(keyTurns, turnedKey);
    keyPart = ops.rebind(keyPart, ops.expand(keyPart, [batch, heads, length, turning]));
    const whole = ops.keep(ops.cat([queryStill, queryPart], 3));
    const key = ops.keep(ops.cat([keyStill, keyPart], 3));
    const padded = widened(ops, value, still + turning);
    if (padded !== value) ops.rebind(value, padded);
    const dropout = ops.dropoutOf(config.dropout);
    const [attended, weights] = groupedAttention(ops, { query: whole, key, value: padded, mask, dropout });
    if (weights !== null) ops.keep(weights);
    let out = ops.keep(attended);
    if (padded !== value) out = ops.rebind(out, ops.slice(out, 3, 0, valueSize));
    out = ops.rebind(out, ops.contiguous(ops.reshape(out, [batch, length, -1])));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, weights]);
  };
}
