import { bool, float32 } from '../dtype.js';
import type { Normalisation, Scope } from '../module-tree.js';
import { gatherRanks, sumOfRanks } from '../modules/rank-exchange.js';
import { splitEvenly } from '../modules/split-layers.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { MegatronConfig } from './megatron-config.js';

type Heads = readonly [query: Tensor, key: Tensor, value: Tensor];

/** Self-attention over [length, batch, hidden] with query, key and value in one product. */
export function megatronAttention(scope: Scope, config: MegatronConfig): (ops: Operations, x: Tensor) => Tensor {
  const { hidden, headSize, view } = config;
  const heads = splitEvenly(config.heads, view.tensor);
  const groups = splitEvenly(config.groups, view.tensor);
  const width = (heads + 2 * groups) * headSize;
  const projection = scope.linear('linear_qkv', hidden, width, { bias: config.queryKeyValueBias });
  const output = scope.linear('linear_proj', heads * headSize, hidden, { bias: false });
  const norms = config.queryKeyNorms ? [headNorm(scope, 'q', config), headNorm(scope, 'k', config)] : null;

  return module((ops, x: Tensor): Tensor => {
    const mixed = ops.keep(ops.gatheredLinear(x, projection, gatherRanks(view)));
    const sizes = [heads * headSize, groups * headSize, groups * headSize];
    const parts = ops.split(mixed, sizes, 2).map((part, i) => {
      const [length, batch] = part.shape as readonly [number, number];
      return ops.keep(ops.reshape(part, [length, batch, sizes[i]! / headSize, headSize]));
    });
    let [query, key] = parts as [Tensor, Tensor];
    if (norms !== null) {
      query = ops.rebind(query, ops.layerNorm(query, norms[0]!));
      key = ops.rebind(key, ops.layerNorm(key, norms[1]!));
    }
    if (config.positions === null) [query, key] = rotated(ops, query, key);
    const attended = ops.section('core_attn', [query, key, parts[2]!], ([q, k, v]) =>
      coreAttention(ops, [q!, k!, v!], config),
    );
    return sumOfRanks(ops, ops.gatheredLinear(attended, output, 1), view);
  });
}

function headNorm(scope: Scope, name: string, { headSize, normalisation }: MegatronConfig): Normalisation {
  const own = scope.child(`${name}_layernorm`);
  const weight = own.parameter('weight', [headSize]);
  return { weight, bias: normalisation === 'LayerNorm' ? own.parameter('bias', [headSize]) : null };
}

/** One kernel turns query and key and keeps neither. */
const rotated = (ops: Operations, query: Tensor, key: Tensor): [Tensor, Tensor] => [
  ops.rebind(query, ops.mulScalar(query)),
  ops.rebind(key, ops.mulScalar(key)),
];

/** [length, batch, heads, size] to [length, batch, hidden]. */
function coreAttention(ops: Operations, [q, k, v]: Heads, config: MegatronConfig): Tensor {
  const [length, batch] = q.shape as readonly [number, number];
  const attended = config.fusedAttention ? inOneKernel(ops, [q, k, v], config) : withScores(ops, [q, k, v], config);
  return ops.reshape(ops.contiguous(ops.permute(attended, [2, 0, 1, 3])), [length, batch, -1]);
}

function inOneKernel(ops: Operations, parts: Heads, { view, attentionDropout }: MegatronConfig): Tensor {
  const [q, k, v] = parts.map((part) => ops.permute(part, [1, 2, 0, 3])) as [Tensor, Tensor, Tensor];
  if (view.context > 1) return ops.ringAttention(q, k, v, view.context);
  return ops.scaledDotProductAttention(q, k, v, { causal: true, dropout: attentionDropout, grouped: true });
}

/** `DotProductAttention` of Megatron, Transformer Engine's unfused one: scores, softmax and dropout are tensors. */
function withScores(ops: Operations, [q, k, v]: Heads, config: MegatronConfig): Tensor {
  const [length, batch, heads, size] = q.shape as readonly [number, number, number, number];
  const times = heads / k.shape[2]!;
  const rows = (part: Tensor): Tensor =>
    ops.reshape(ops.permute(repeated(ops, part, times), [1, 2, 0, 3]), [batch * heads, -1, size]);
  const keys = ops.transpose(rows(k), 1, 2);
  const scores = ops.baddbmm(ops.create('empty', [batch * heads, length, length], q.dtype), rows(q), keys);
  const weights = softmaxOf(ops, scores, config);
  const dropped = ops.dropout(weights, ops.dropoutOf(config.attentionDropout));
  return ops.view(ops.bmm(dropped, rows(v)), [batch, heads, length, size]);
}

function repeated(ops: Operations, x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [length, batch, groups, size] = x.shape as readonly [number, number, number, number];
  return ops.reshape(ops.expand(ops.unsqueeze(x, 3), [length, batch, groups, times, size]), [
    length,
    batch,
    groups * times,
    size,
  ]);
}

/** FusedScaleMaskSoftmax: one kernel in 16 bit, or fp32 step by step. */
function softmaxOf(ops: Operations, scores: Tensor, { fusedSoftmax }: MegatronConfig): Tensor {
  if (fusedSoftmax) return ops.maskedSoftmax(scores);
  const mask = ops.create('triu', scores.shape.slice(1), bool);
  const raised = ops.to(scores, float32);
  return ops.to(ops.softmax(ops.maskedFill(ops.mulScalar(raised), mask)), scores.dtype);
}
