import type { Architecture } from '../definition.js';
import { completeArchitecture, input } from '../definition.js';
import { float32, int64 } from '../dtype.js';
import type { ResolvedModel } from '../resolved-model.js';
import type { Activation } from '../modules/activations.js';
import type { Block, Buffer, Linear, Parameter, Scope } from '../module-tree.js';
import { Scope as ModuleScope } from '../module-tree.js';
import { rotaryCache, torchtuneRotary } from './torchtune-rotary.js';
import { tokenInputs } from '../modules/text-inputs.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { DecoderSizes } from './decoder-sizes.js';
import { readDecoderSizes } from './decoder-sizes.js';

/** Release from which on `F.rms_norm` of one type is one kernel (torch 2.9). */
const FUSED_NORM = [2, 9];

/**
 * `torchtune.modules.RMSNorm`: `F.rms_norm` of the input in fp32, back to its type. With a weight of another type it is
 * written out, as before there was a kernel (aten layer_norm.cpp, rms_norm_composite).
 */
function rmsNorm(ops: Operations, x: Tensor, weight: Parameter): Tensor {
  ops.enter([x]);
  const own = ops.parameter(weight);
  if (ops.kernels.has('fused-norms')) return ops.leave(ops.rmsNormWith(x, own, 1));
  const h = ops.to(x, float32);
  const fuses = own.dtype === h.dtype && !ops.isBefore('torch', FUSED_NORM);
  return ops.leave(ops.to(fuses ? ops.rmsNormWith(h, own, 1) : writtenOutNorm(ops, h, own), x.dtype));
}

const writtenOutNorm = module((ops, h: Tensor, weight: Tensor): Tensor => {
  const squares = ops.keep(ops.pow(h, 2));
  const mean = ops.keep(ops.mean(squares, [-1], true));
  const root = ops.keep(ops.rsqrt(mean));
  ops.drop(squares);
  ops.drop(mean);
  return ops.mul(ops.mul(h, root), weight);
});

type Norm = (ops: Operations, x: Tensor) => Tensor;

function norm(scope: Scope, name: string, size: number): Norm {
  const weight = scope.child(name).parameter('scale', [size]);
  return (ops, x) => rmsNorm(ops, x, weight);
}

/** Key or value heads as many as there are queries: expanded and flattened, which copies them. */
function expandedHeads(ops: Operations, x: Tensor, groups: number): Tensor {
  if (groups === 1) return x;
  const [batch, heads, length, size] = x.shape as readonly [number, number, number, number];
  const unfolded = ops.expand(ops.unsqueeze(x, 2), [batch, heads, groups, length, size]);
  return ops.rebind(x, ops.reshape(unfolded, [batch, heads * groups, length, size]));
}

/** `MultiHeadAttention`: heads turn while they are still [batch, length, heads, size]. */
function attention(scope: Scope, config: DecoderSizes, cache: Buffer) {
  const { hidden, heads, keyValueHeads, headSize, queryKeyValueBias: bias, headNorms } = config;
  const query = scope.linear('q_proj', hidden, heads * headSize, { bias });
  const key = scope.linear('k_proj', hidden, keyValueHeads * headSize, { bias });
  const value = scope.linear('v_proj', hidden, keyValueHeads * headSize, { bias });
  const output = scope.linear('o_proj', heads * headSize, hidden, { bias: config.outputBias });
  const norms = !headNorms ? [] : ['q_norm', 'k_norm'].map((name) => norm(scope, name, headSize));

  return module((ops, x: Tensor): Tensor => {
    const [batch, length] = x.shape as readonly [number, number];
    const project = (layer: Linear): Tensor => {
      const flat = ops.keep(ops.linear(x, layer));
      return ops.rebind(flat, ops.view(flat, [batch, length, layer.outFeatures / headSize, headSize]));
    };
    const turned = (heads4: Tensor, at: number): Tensor => {
      const rotated = ops.rebind(heads4, torchtuneRotary(ops, heads4, cache));
      const swapped = ops.rebind(rotated, ops.transpose(rotated, 1, 2));
      return norms.length === 0 ? swapped : ops.rebind(swapped, norms[at]!(ops, swapped));
    };
    const q = turned(project(query), 0);
    let k = project(key);
    const flat = project(value);
    k = turned(k, 1);
    const v = expandedHeads(ops, ops.rebind(flat, ops.transpose(flat, 1, 2)), heads / keyValueHeads);
    k = expandedHeads(ops, k, heads / keyValueHeads);
    const attended = ops.keep(ops.scaledDotProductAttention(q, k, v, { causal: true, dropout: 0 }));
    const rows = ops.view(ops.contiguous(ops.transpose(attended, 1, 2)), [batch, length, -1]);
    return ops.linear(ops.rebind(attended, rows), output);
  });
}

function feedForward(scope: Scope, { hidden, intermediate }: DecoderSizes, act: Activation): Norm {
  const gate = scope.linear('gate_proj', hidden, intermediate, { bias: false });
  const down = scope.linear('down_proj', intermediate, hidden, { bias: false });
  const up = scope.linear('up_proj', hidden, intermediate, { bias: false });
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(act(ops, ops.linear(x, gate)));
    h = ops.rebind(h, ops.mul(h, ops.linear(x, up)));
    return ops.rebind(h, ops.linear(h, down));
  });
}

/** `TransformerSelfAttentionLayer` */
function layer(
  block: Block,
  config: DecoderSizes,
  cacheOf: (scope: Scope) => Buffer,
): (ops: Operations, args: readonly Argument[]) => Tensor {
  const { scope } = block;
  const own = scope.child('attn');
  const attend = attention(own, config, cacheOf(own));
  const feed = feedForward(scope.child('mlp'), config, config.act);
  const attentionNorm = norm(scope, 'sa_norm', config.hidden);
  const feedNorm = norm(scope, 'mlp_norm', config.hidden);
  return (ops, args) =>
    ops.block(block, args, ([x]) => {
      let h = ops.keep(attentionNorm(ops, x!));
      const attended = ops.keep(attend(ops, h));
      h = ops.rebind(h, ops.add(attended, x!));
      const fed = ops.keep(feed(ops, feedNorm(ops, h)));
      return ops.add(h, fed);
    });
}

/** Pieces of the sequence whose logits and loss are computed one by one (`num_output_chunks`). */
const CHUNKS = 8;

function chunkSizes(length: number): number[] {
  const size = Math.ceil(length / CHUNKS);
  return Array.from({ length: Math.ceil(length / size) }, (_, i) => Math.min(size, length - i * size));
}

/** The head, around which torchtune keeps offloading of activations away (training/_activation_offloading.py). */
const unembedded = (ops: Operations, x: Tensor, head: Linear): Tensor => ops.keepingOnDevice(() => ops.linear(x, head));

/** The last norm and the head: all logits in fp32, or in pieces as they are. */
const unembedding = (finalNorm: Norm, head: Linear) =>
  module((ops, x: Tensor): Tensor[] => {
    const h = ops.keep(finalNorm(ops, x));
    if (ops.lossKind !== 'chunked') return [ops.keep(ops.to(unembedded(ops, h, head), float32))];
    const pieces = ops.split(h, chunkSizes(h.shape[1]!), 1).map((piece) => ops.keep(piece));
    return pieces.map((piece) => ops.keep(unembedded(ops, piece, head)));
  });

/** `CEWithChunkedOutputLoss`, or `CrossEntropyLoss` of all logits; the recipe drops the logits before backward. */
function lossOf(ops: Operations, pieces: readonly Tensor[], labels: Tensor): Tensor {
  ops.enter([...pieces, labels]);
  const sizes = pieces.map(({ shape }) => shape[1]!);
  const targets = ops.split(labels, sizes, 1).map((target) => ops.keep(ops.reshape(target, [-1])));
  const rows = pieces.map((piece) => ops.keep(ops.reshape(piece, [-1, piece.shape[2]!])));
  let total: Tensor | null = null;
  rows.forEach((row, i) => {
    const loss = ops.loss(() => pieceLoss(ops, row, targets[i]!));
    total = total === null ? ops.keep(loss) : ops.rebind(total, ops.add(total, loss));
  });
  if (pieces.length === 1) return ops.leave(total!);
  return ops.leave(ops.div(total!, ops.create('sum', [], int64)));
}

const pieceLoss = module((ops, logits: Tensor, target: Tensor): Tensor =>
  ops.crossEntropy(ops.to(logits, float32), target),
);

/** `torchtune.modules.TransformerDecoder` with a recipe's loss. */
export function torchtuneDecoder(model: ResolvedModel): Architecture {
  const config = readDecoderSizes(model);
  const { hidden, vocabulary, layers, tied } = config;
  const root = ModuleScope.root();
  const table = root.embedding('tok_embeddings', vocabulary, hidden);
  const stack = root.child('layers');
  let cache: Buffer | null = null;
  const shared = (scope: Scope): Buffer => (cache ??= rotaryCache(scope, config.positions, config.headSize));
  const blocks = Array.from({ length: layers }, (_, i) => layer(stack.block(String(i)), config, shared));
  const finalNorm = norm(root, 'norm', hidden);
  const head = root.linear('lm_head', hidden, vocabulary, { bias: false, ...(tied ? { tiedTo: table } : {}) });
  const unembed = unembedding(finalNorm, head);
  const run = module((ops, ids: Tensor): Tensor[] => {
    let h = ops.keep(ops.embedding(ids, table));
    for (const block of blocks) h = ops.rebind(h, block(ops, [h]));
    return unembed(ops, h);
  });
  const step = module((ops, ids: Tensor, labels: Tensor): Tensor => {
    const logits = run(ops, ids).map((piece) => ops.keep(piece));
    const shifted = ops.keep(ops.derive('cat', [], labels.shape, labels.dtype));
    const loss = ops.keep(ops.keepingOnDevice(() => lossOf(ops, logits, shifted)));
    return ops.mulScalar(loss);
  });
  return completeArchitecture({
    name: model.name,
    task: 'causal-lm',
    root,
    inputTable: table,
    inputs: (sizes) => tokenInputs(sizes).filter(({ name }) => name !== 'attention_mask'),
    forward: (ops, batch) => ({ loss: step(ops, input(batch, 'input_ids'), input(batch, 'labels')), outputs: [] }),
  });
}
