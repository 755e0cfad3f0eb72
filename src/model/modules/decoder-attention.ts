import { float32 } from '../dtype.js';
import type { Linear, Scope, Shape } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { repeatHeads } from './eager-attention.js';
import { groupedAttention } from './grouped-attention.js';
import type { NormLayer } from './norm-layers.js';
import type { Rotation } from './rotary.js';
import type { Step } from './sequential.js';
import { sinkAttention } from './sink-attention.js';

/** What every attention of a decoder with rotary positions is given beside its input. */
export interface Around {
  cos: Tensor;
  sin: Tensor;
  mask: Tensor | null;
}

/** Attention of a layer: its output, and eager attention's probabilities. */
export type Attend = (ops: Operations, x: Tensor, around: Around) => [Tensor, Tensor | null];
/** Declares the attention of the n-th layer. */
export type AttentionPart = (scope: Scope, layer: number) => Attend;

/**
 * When queries and keys are normalised: as projected, over the whole width (`flat`, OLMo 2); each head as projected
 * (`each`, Qwen3); each head once all three are projected, before (`untransposed` with weights for each head, Cohere;
 * `viewed`, GLM 4.5) or after their dimensions are swapped (`together`, Gemma 3), or once they have turned (`turned`,
 * HunYuan).
 */
export type HeadNorms = 'flat' | 'each' | 'untransposed' | 'viewed' | 'together' | 'turned';

export interface DecoderAttention {
  hidden: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
  queryKeyValueBias: boolean;
  outputBias: boolean;
  headNorms: HeadNorms | null;
  /** Keys and values are copied for each query head, and no probabilities returned (transformers' older classes). */
  repeats: boolean;
  /** A table of angles of the module's own, which nothing reads. */
  ownAngles: boolean;
  /** Heads are taken apart once all three are projected, not as each is. */
  viewsLate: boolean;
  norm: NormLayer;
  rotation: Rotation;
  /** Whether queries and keys of a layer turn at all. */
  turns: (layer: number) => boolean;
  softCap: boolean;
  /** A score of each head that no token gets (gpt-oss). */
  sinks: boolean;
  dropout: number;
  /** Of the attention's output. */
  residualDropout: number;
}

function normShape(kind: HeadNorms, heads: number, size: number): Shape {
  if (kind === 'flat') return [heads * size];
  return kind === 'untransposed' ? [heads, size] : [size];
}

/** Queries, keys and values as [batch, heads, length, head size], kept in the caller's frame. */
function projecting(scope: Scope, config: DecoderAttention) {
  const { hidden, heads, keyValueHeads, headSize, headNorms, viewsLate, queryKeyValueBias: bias } = config;
  const counts = [heads, keyValueHeads, keyValueHeads];
  const layers = ['q_proj', 'k_proj', 'v_proj'].map((name, i) =>
    scope.linear(name, hidden, counts[i]! * headSize, { bias }),
  );
  const output = scope.linear('o_proj', heads * headSize, hidden, { bias: config.outputBias });
  const norms: (Step | null)[] = [null, null, null];
  if (headNorms !== null) {
    const [ofQueries, ofKeys] = headNorms === 'turned' ? ['query_layernorm', 'key_layernorm'] : ['q_norm', 'k_norm'];
    norms[0] = config.norm(scope, ofQueries, normShape(headNorms, heads, headSize));
    norms[1] = config.norm(scope, ofKeys, normShape(headNorms, keyValueHeads, headSize));
  }
  const intoHeads = (ops: Operations, x: Tensor): Tensor => ops.view(x, [x.shape[0]!, x.shape[1]!, -1, headSize]);
  const projected = (ops: Operations, x: Tensor, layer: Linear, norm: Step | null): Tensor => {
    const linear = ops.linear(x, layer);
    const rows = norm !== null && headNorms === 'flat' ? norm(ops, linear) : linear;
    if (viewsLate) return rows;
    return norm !== null && headNorms === 'each' ? norm(ops, intoHeads(ops, rows)) : intoHeads(ops, rows);
  };
  const normalised = (ops: Operations, parts: Tensor[]): Tensor[] =>
    parts.map((part, i) => (norms[i] === null ? part : ops.rebind(part, norms[i]!(ops, part))));

  const run = (ops: Operations, x: Tensor): Tensor[] => {
    let parts = layers.map((layer, i) => ops.keep(projected(ops, x, layer, norms[i]!)));
    if (headNorms === 'untransposed' || headNorms === 'viewed') parts = normalised(ops, parts);
    parts = parts.map((part) => ops.rebind(part, ops.transpose(viewsLate ? intoHeads(ops, part) : part, 1, 2)));
    return headNorms === 'together' ? normalised(ops, parts) : parts;
  };
  const afterTurning = headNorms === 'turned' ? normalised : null;
  return { run, output, afterTurning };
}

/** A key or value head for each query head; the name is bound anew. */
function expanded(ops: Operations, x: Tensor, { heads, keyValueHeads }: DecoderAttention): Tensor {
  const wide = repeatHeads(ops, x, heads / keyValueHeads);
  return wide === x ? x : ops.rebind(x, wide);
}

/** Self-attention of Llama's kind: three projections, heads that share keys and values, rotary positions. */
export function decoderAttention(scope: Scope, layer: number, config: DecoderAttention): Attend {
  const { run: project, output, afterTurning } = projecting(scope, config);
  const turns = config.turns(layer);
  if (!turns) scope.variant = 'without positions';
  const sinks = config.sinks ? scope.parameter('sinks', [config.heads]) : null;
  if (config.ownAngles) scope.child('rotary_emb').buffer('inv_freq', [config.headSize / 2], float32);

  return (ops, x, { cos, sin, mask }) => {
    ops.enter([x, cos, sin, mask]);
    let [query, key, value] = project(ops, x) as [Tensor, Tensor, Tensor];
    if (turns) {
      const [turnedQuery, turnedKey] = config.rotation(ops, [query, key], [cos, sin]);
      query = ops.rebind(query, turnedQuery);
      key = ops.rebind(key, turnedKey);
    }
    if (afterTurning !== null) [query, key] = afterTurning(ops, [query, key]) as [Tensor, Tensor];
    if (config.repeats) [key, value] = [key, value].map((part) => expanded(ops, part, config)) as [Tensor, Tensor];
    const heads = { query, key, value, mask, dropout: ops.dropoutOf(config.dropout), softCap: config.softCap };
    const [attended, weights] = sinks === null ? groupedAttention(ops, heads) : sinkAttention(ops, heads, sinks);
    if (weights !== null) ops.keep(weights);
    let out = ops.keep(attended);
    out = ops.rebind(out, ops.contiguous(ops.reshape(out, [x.shape[0]!, x.shape[1]!, -1])));
    out = ops.rebind(out, ops.linear(out, output));
    const dropped = ops.dropout(out, ops.dropoutOf(config.residualDropout));
    return ops.leave([dropped === out ? out : ops.rebind(out, dropped), config.repeats ? null : weights]);
  };
}
