import type { Task } from '../../run/training-run.js';
import type { Architecture } from '../definition.js';
import { float32 } from '../dtype.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import { decoderModel } from '../modules/causal-language-model.js';
import type { Attend } from '../modules/decoder-attention.js';
import { beginDecoder, keepRotaryTable } from '../modules/decoder-start.js';
import type { Feed } from '../modules/feed-forward.js';
import { keepMadeTable } from '../modules/rotary.js';
import type { Step } from '../modules/sequential.js';
import { readLlama } from './llama-config.js';
import type { LlamaConfig, NormPlace } from './llama-variant.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

type Layer = (ops: Operations, args: readonly Argument[]) => Tensor;

interface LayerParts {
  attend: Attend;
  feed: Feed;
  beside: Step | null;
  norms: Partial<Record<NormPlace, Step>>;
  addTo: (ops: Operations, residual: Tensor, h: Tensor) => Tensor;
}

function layerParts({ scope }: Block, layer: number, config: LlamaConfig): LayerParts {
  const attend = config.attention(scope.child('self_attn'), layer);
  const feed = config.feed(scope, layer);
  const norms = Object.entries(config.norms).map(([place, name]) => [place, config.norm(scope, name, [config.hidden])]);
  const beside = config.beside?.(scope) ?? null;
  const addTo: LayerParts['addTo'] = (ops, residual, h) =>
    ops.add(residual, config.scales.residual ? ops.mulScalar(h) : h);
  return { attend, feed, beside, norms: Object.fromEntries(norms) as LayerParts['norms'], addTo };
}

/** `h = fed + beside(h)`, then `del fed`. */
function joined(ops: Operations, h: Tensor, [fed, beside]: readonly [Tensor, Step]): Tensor {
  ops.keep(fed);
  const sum = ops.rebind(h, ops.add(fed, beside(ops, h)));
  ops.drop(fed);
  return sum;
}

/** The router's scores get a name of their own, or that of attention's probabilities. */
function keepRouted(ops: Operations, routed: Tensor, named: Tensor | null): void {
  if (named === null) ops.keep(routed);
  else ops.rebind(named, routed);
}

/** Attention, then the feed-forward part, each with a residual around it and norms before it, after it, or both. */
function decoderLayer(block: Block, layer: number, config: LlamaConfig): Layer {
  const { attend, feed, beside, norms, addTo } = layerParts(block, layer, config);
  const { beforeAttention, afterAttention, beforeFeed, afterFeed } = norms;
  /** The residual sum, bound to the name of attention's input, as attention's output is unless it has its own. */
  const afterAttended = (ops: Operations, h: Tensor, [residual, attended]: readonly [Tensor, Tensor]): Tensor => {
    if (config.keepsAttended) return ops.rebind(h, addTo(ops, residual, ops.keep(attended)));
    const own = ops.rebind(h, attended);
    const normed = afterAttention ? ops.rebind(own, afterAttention(ops, own)) : own;
    return ops.rebind(normed, addTo(ops, residual, normed));
  };
  return (ops, args) =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const residual = x!;
      let h = beforeAttention ? ops.keep(beforeAttention(ops, residual)) : residual;
      const [attended, weights] = attend(ops, h, { cos: cos!, sin: sin!, mask: mask! });
      if (weights !== null) ops.keep(weights);
      h = afterAttended(ops, h, [residual, attended]);
      const second = ops.keep(h);
      if (beforeFeed) h = ops.rebind(h, beforeFeed(ops, h));
      const [fed, routed] = feed(ops, h);
      h = beside === null ? ops.rebind(h, fed) : joined(ops, h, [fed, beside]);
      if (routed !== null) keepRouted(ops, routed, config.oneNameForExtras ? weights : null);
      if (afterFeed) h = ops.rebind(h, afterFeed(ops, h));
      return addTo(ops, second, h);
    });
}

/** Attention and feed-forward part over one norm, side by side (Cohere). */
function parallelLayer(block: Block, layer: number, config: LlamaConfig): Layer {
  const { attend, feed, norms } = layerParts(block, layer, config);
  return (ops, args) =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const normed = ops.keep(norms.beforeAttention!(ops, x!));
      const [attended, weights] = attend(ops, normed, { cos: cos!, sin: sin!, mask: mask! });
      ops.keep(attended);
      if (weights !== null) ops.keep(weights);
      const [fed] = feed(ops, normed);
      ops.keep(fed);
      return ops.add(ops.add(x!, attended), fed);
    });
}

/** Tokens that a layer looks back at most; null: all. */
const windowOf = ({ slidingWindow, slides }: LlamaConfig, layer: number): number | null =>
  slidingWindow !== null && slides(layer) ? slidingWindow : null;

/** Tables of angles: one for all layers, or one for those with a window and one for those without. */
function angleTables(scope: Scope, config: LlamaConfig) {
  if (config.madeTable) {
    return (ops: Operations, x: Tensor) => {
      const table = keepMadeTable(ops, x, config.angles.size);
      return (): Tensor[] => table;
    };
  }
  const buffers = config.angles.tables.map(({ path, of }) => {
    const owner = path.split('.').reduce((parent, name) => parent.child(name), scope);
    return { of, buffer: owner.buffer('inv_freq', [config.angles.size / 2], float32) };
  });
  return (ops: Operations, x: Tensor, positionIds: Tensor) => {
    const made = buffers.map(({ of, buffer }) => ({
      of,
      table: keepRotaryTable(ops, [x, positionIds], buffer, config.angles.options),
    }));
    return (slides: boolean): Tensor[] => {
      const own = made.find(({ of }) => of === 'all' || (of === 'near') === slides)!;
      const others = config.angles.passesAll ? made.filter((one) => one !== own) : [];
      return [own, ...others].flatMap(({ table }) => table);
    };
  };
}

/** A decoder of Llama's kind without its head, in its module's scope. */
export function llamaDecoder(scope: Scope, config: LlamaConfig): DecoderBody {
  const embedding = scope.child('embed_tokens');
  const table = embedding.parameter('weight', [config.vocabulary, config.hidden]);
  const scale = config.scales.embeddings === 'by-tensor' ? embedding.buffer('embed_scale', []) : undefined;
  const layers = scope.child('layers');
  const write = config.parallel ? parallelLayer : decoderLayer;
  const blocks = Array.from({ length: config.layers }, (_, i) => write(layers.block(String(i)), i, config));
  const finalNorm = config.norm(scope, 'norm', [config.hidden]);
  const angles = angleTables(scope, config);
  const windows = [...new Set(blocks.map((_, i) => windowOf(config, i)))].sort((a, b) => (a ?? -1) - (b ?? -1));
  const multiplied = config.scales.embeddings === 'before-mask';
  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const { embeds, positionIds, masks } = beginDecoder(ops, ids, attentionMask, {
      table,
      windows,
      chunked: config.chunked,
      scale,
      multiplied,
      olderMask: config.olderMask,
      slidingMask: config.slidingMask,
      eagerForSdpa: config.eagerForSdpa,
    });
    let h = ops.keep(embeds);
    const tables = angles(ops, h, positionIds);
    if (config.scales.embeddings === 'after-rotary') h = ops.rebind(h, ops.mulScalar(h));
    blocks.forEach((layer, i) => {
      const window = windowOf(config, i);
      const mask = masks[windows.indexOf(window)]!;
      h = ops.rebind(h, layer(ops, [h, mask, positionIds, ...tables(window !== null)]));
    });
    return finalNorm(ops, h);
  });
  return { table, run };
}

/** What happens to the logits: soft capping (divide, tanh, multiply), or a division. */
function finishing(config: LlamaConfig): ((ops: Operations, logits: Tensor) => Tensor) | undefined {
  const scaled = scaling(config);
  if (!config.raisesLogits) return scaled;
  return (ops, logits) => {
    const own = scaled?.(ops, logits) ?? logits;
    return ops.rebind(own, ops.to(own, float32));
  };
}

function scaling({ softCaps, scales }: LlamaConfig): ((ops: Operations, logits: Tensor) => Tensor) | undefined {
  if (softCaps.logits) {
    return (ops, logits) => {
      const inner = ops.rebind(logits, ops.mulScalar(logits));
      const capped = ops.rebind(inner, ops.tanh(inner));
      return ops.rebind(capped, ops.mulScalar(capped));
    };
  }
  return scales.logits ? (ops, logits) => ops.rebind(logits, ops.mulScalar(logits)) : undefined;
}

/** Decoders of Llama's kind (transformers' `*ForCausalLM` and the other heads); `llama-variants.ts` says which. */
export function llama(model: ResolvedModel, task: Task): Architecture {
  const config = readLlama(model);
  const root = Scope.root();
  const body = llamaDecoder(root.child('model'), config);
  const { hidden, vocabulary, tied, headBias } = config;
  const finish = finishing(config);
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied, headBias, finish });
}
