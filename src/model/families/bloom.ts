import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { float32, int32, int64 } from '../dtype.js';
import { additiveCausalMask } from '../modules/additive-masks.js';
import { decoderModel } from '../modules/causal-language-model.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface BloomConfig {
  layers: number;
  hidden: number;
  heads: number;
  vocabulary: number;
  /** Residuals are taken after the norm. */
  residualAfterNorm: boolean;
  dropout: number;
  attentionDropout: number;
  tied: boolean;
}

function read(model: ResolvedModel): BloomConfig {
  const config = new ConfigReader(model);
  return {
    layers: config.size(['n_layer', 'num_hidden_layers'], 2),
    hidden: config.size(['hidden_size', 'n_embed'], 64),
    heads: config.size(['n_head', 'num_attention_heads'], 8),
    vocabulary: config.size('vocab_size', 250880),
    residualAfterNorm: config.flag('apply_residual_connection_post_layernorm', false),
    dropout: config.number('hidden_dropout', 0),
    attentionDropout: config.number('attention_dropout', 0),
    tied: config.flag('tie_word_embeddings', true),
  };
}

/** `build_alibi_tensor`: [batch * heads, 1, length]. */
function positionBiases(ops: Operations, mask: Tensor, heads: number, like: Tensor): Tensor {
  ops.enter([mask, like]);
  const { shape } = mask;
  const [batch, length] = shape as readonly [number, number];
  ops.keep(ops.create('to_copy', [], float32));
  const even = 2 ** Math.floor(Math.log2(heads));
  ops.keep(ops.create('arange', [even], int32));
  const slopes = ops.keep(ops.create('pow', [even], float32));
  if (even !== heads) {
    const rest = Math.min(even, heads - even);
    ops.keep(ops.create('to_copy', [], float32));
    ops.keep(ops.create('arange', [rest], int32));
    const more = ops.create('pow', [rest], float32);
    ops.rebind(slopes, ops.derive('cat', [more], [heads], float32));
  }
  const counted = ops.derive('sub', [ops.derive('cumsum', [], shape, int64)], shape, int64);
  ops.keep(ops.derive('mul', [counted], [batch, 1, length], int64));
  const biases = ops.keep(ops.derive('mul', [], [batch, heads, length], float32));
  return ops.leave(ops.view(ops.to(biases, like.dtype), [batch * heads, 1, length]));
}

/** `residual + dropout(x)` in a function of its own. */
const addDropped = (ops: Operations, x: Tensor, residual: Tensor, probability: number): Tensor => {
  ops.enter([x, residual]);
  const dropped = ops.keep(ops.dropout(x, ops.dropoutOf(probability)));
  return ops.leave(ops.rebind(dropped, ops.add(residual, dropped)));
};

type Attend = (ops: Operations, x: Tensor, residual: Tensor, around: Around) => [Tensor, Tensor];

/** What every layer is given beside its input. */
interface Around {
  biases: Tensor;
  mask: Argument;
}

function attention(scope: Scope, config: BloomConfig): Attend {
  const { hidden, heads } = config;
  const size = hidden / heads;
  const project = scope.linear('query_key_value', hidden, 3 * hidden);
  const dense = scope.linear('dense', hidden, hidden);
  return (ops, x, residual, { biases, mask }) => {
    ops.enter([x, residual, mask, biases]);
    const [batch, length] = x.shape as readonly [number, number];
    const fused = ops.keep(ops.linear(x, project));
    const apart = ops.keep(ops.view(fused, [batch, length, heads, 3, size]));
    const parts = [0, 1, 2].map(() => ops.keep(ops.transpose(ops.select(apart, 3), 1, 2)));
    const [query, rawKey, value] = parts.map((part) =>
      ops.rebind(part, ops.reshape(part, [batch * heads, length, size])),
    ) as [Tensor, Tensor, Tensor];
    const key = ops.rebind(rawKey, ops.transpose(rawKey, 1, 2));
    const scores = ops.keep(ops.baddbmm(biases, query, key, { scaled: true }));
    let weights = ops.keep(ops.view(scores, [batch, heads, length, -1]));
    if (mask !== null) weights = ops.rebind(weights, ops.add(weights, mask));
    let probabilities = ops.keep(ops.to(ops.softmax(weights, float32), query.dtype));
    const dropout = ops.dropoutOf(config.attentionDropout);
    if (dropout > 0) probabilities = ops.rebind(probabilities, ops.dropout(probabilities, dropout));
    const flat = ops.keep(ops.view(probabilities, [batch * heads, length, -1]));
    const context = ops.keep(ops.bmm(flat, value));
    const rows = ops.permute(ops.view(context, [batch, heads, length, size]), [0, 2, 1, 3]);
    const merged = ops.rebind(context, ops.reshape(rows, [batch, length, hidden]));
    const out = ops.keep(ops.linear(merged, dense));
    return ops.leave([ops.rebind(out, addDropped(ops, out, residual, config.dropout)), probabilities]);
  };
}

function feedForward(scope: Scope, { hidden, dropout }: BloomConfig) {
  const expand = scope.linear('dense_h_to_4h', hidden, 4 * hidden);
  const contract = scope.linear('dense_4h_to_h', 4 * hidden, hidden);
  return module((ops, x: Tensor, residual: Tensor): Tensor => {
    const h = ops.keep(ops.geluRecomputed(ops.linear(x, expand)));
    return addDropped(ops, ops.keep(ops.linear(h, contract)), residual, dropout);
  });
}

function layer(block: Block, config: BloomConfig) {
  const { scope } = block;
  const { hidden, residualAfterNorm } = config;
  const inputNorm = scope.layerNorm('input_layernorm', hidden);
  const attend = attention(scope.child('self_attention'), config);
  const attentionNorm = scope.layerNorm('post_attention_layernorm', hidden);
  const mlp = feedForward(scope.child('mlp'), config);
  return (ops: Operations, args: readonly Argument[]): readonly [Tensor, Tensor] =>
    ops.block(block, args, ([h, ownBiases, ownMask]) => {
      const normed = ops.keep(ops.layerNorm(h!, inputNorm));
      const residual = residualAfterNorm ? normed : h!;
      const [attended, weights] = attend(ops, normed, residual, { biases: ownBiases!, mask: ownMask! });
      ops.keep(attended);
      ops.keep(weights);
      const second = ops.rebind(normed, ops.layerNorm(attended, attentionNorm));
      return [mlp(ops, second, residualAfterNorm ? second : attended), weights] as const;
    });
}

function decoder(scope: Scope, config: BloomConfig): DecoderBody {
  const { hidden } = config;
  const table = scope.embedding('word_embeddings', config.vocabulary, hidden);
  const embeddingNorm = scope.layerNorm('word_embeddings_layernorm', hidden);
  const parent = scope.child('h');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(parent.block(String(i)), config));
  const finalNorm = scope.layerNorm('ln_f', hidden);
  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const embeds = ops.keep(ops.embedding(ids, table));
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    let h = ops.keep(ops.layerNorm(embeds, embeddingNorm));
    const biases = ops.keep(positionBiases(ops, attentionMask, config.heads, h));
    const mask = ops.keep(additiveCausalMask(ops, attentionMask, positions, embeds.dtype));
    let earlier: Tensor | null = null;
    for (const block of layers) {
      const [next, weights] = block(ops, [h, biases, mask, positions]);
      ops.keep(weights);
      if (earlier !== null) ops.drop(earlier);
      earlier = weights;
      h = ops.rebind(h, next);
    }
    return ops.layerNorm(h, finalNorm);
  });
  return { table, run };
}

/** BLOOM (transformers' BloomForCausalLM and other heads). Its attention is in Python whatever is asked for. */
export function bloom(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('transformer'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
