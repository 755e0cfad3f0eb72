import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { olderCausalMask } from '../modules/additive-masks.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { ungroupedAttention } from '../modules/grouped-attention.js';
import type { Block, Linear } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface OptConfig {
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  /** Width of the word embeddings; another than the hidden one is projected. */
  embedding: number;
  /** Rows of the position table. */
  positions: number;
  normFirst: boolean;
  bias: boolean;
  dropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

/** Rows of the position table before the first position (OPTLearnedPositionalEmbedding). */
const POSITION_OFFSET = 2;

function read(model: ResolvedModel): OptConfig {
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size', 768);
  return {
    layers: config.size('num_hidden_layers', 12),
    hidden,
    heads: config.size('num_attention_heads', 12),
    intermediate: config.size(['ffn_dim', 'intermediate_size'], 4 * hidden),
    vocabulary: config.size('vocab_size', 50272),
    embedding: config.size('word_embed_proj_dim', hidden),
    positions: config.size('learned_positions', config.size('max_position_embeddings', 2048) + POSITION_OFFSET),
    normFirst: config.flag('do_layer_norm_before', !config.flag('post_norm', false)),
    bias: config.flag('enable_bias', true),
    dropout: config.number('dropout', 0.1),
    attentionDropout: config.number('attention_dropout', 0),
    tied: config.flag('tie_word_embeddings', true),
    act: activation(config.text(['activation_function', 'hidden_act'], 'relu')),
  };
}

function attention(scope: Scope, { hidden, heads, bias, attentionDropout }: OptConfig) {
  const [keys, values, queries, output] = ['k_proj', 'v_proj', 'q_proj', 'out_proj'].map((name) =>
    scope.linear(name, hidden, hidden, { bias }),
  ) as [Linear, Linear, Linear, Linear];

  return (ops: Operations, x: Tensor, mask: Argument): Tensor => {
    ops.enter([x, mask]);
    const [batch, length] = x.shape as readonly [number, number];
    const intoHeads = (h: Tensor): Tensor => ops.transpose(ops.view(h, [batch, -1, heads, hidden / heads]), 1, 2);
    let query = ops.keep(ops.mulScalar(ops.linear(x, queries)));
    query = ops.rebind(query, intoHeads(query));
    let key = ops.keep(ops.linear(x, keys));
    let value = ops.keep(ops.linear(x, values));
    key = ops.rebind(key, intoHeads(key));
    value = ops.rebind(value, intoHeads(value));
    const dropout = ops.dropoutOf(attentionDropout);
    const [attended, weights] = ungroupedAttention(ops, { query, key, value, mask, dropout });
    let out = ops.keep(attended);
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.reshape(out, [batch, length, -1]));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave(out);
  };
}

function layer(block: Block, config: OptConfig) {
  const { scope } = block;
  const { hidden, intermediate, bias, normFirst, act } = config;
  const attend = attention(scope.child('self_attn'), config);
  const attentionNorm = scope.layerNorm('self_attn_layer_norm', hidden);
  const expand = scope.linear('fc1', hidden, intermediate, { bias });
  const project = scope.linear('fc2', intermediate, hidden, { bias });
  const finalNorm = scope.layerNorm('final_layer_norm', hidden);

  return (ops: Operations, args: readonly Argument[]): Tensor =>
    ops.block(block, args, ([x, mask]) => {
      const dropped = (h: Tensor): Tensor => ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
      const residual = x!;
      let h = normFirst ? ops.keep(ops.layerNorm(residual, attentionNorm)) : residual;
      h = ops.rebind(h, attend(ops, h, mask!));
      h = dropped(h);
      h = ops.rebind(h, ops.add(residual, h));
      if (!normFirst) h = ops.rebind(h, ops.layerNorm(h, attentionNorm));
      const rows = ops.rebind(h, ops.reshape(h, [-1, hidden]));
      h = normFirst ? ops.keep(ops.layerNorm(rows, finalNorm)) : rows;
      h = normFirst ? ops.rebind(h, ops.linear(h, expand)) : ops.keep(ops.linear(h, expand));
      h = ops.rebind(h, act(ops, h));
      h = ops.rebind(h, ops.linear(h, project));
      h = dropped(h);
      h = ops.rebind(h, ops.view(ops.add(rows, h), residual.shape));
      return normFirst ? h : ops.layerNorm(h, finalNorm);
    });
}

/** Places of tokens that are not padding: the mask summed up, then shifted past the table's first rows. */
function positionRows(ops: Operations, attentionMask: Tensor): Tensor {
  const { shape } = attentionMask;
  const summed = ops.keep(ops.derive('cumsum', [], shape, int64));
  return ops.rebind(summed, ops.derive('sub', [ops.derive('mul', [], shape, int64)], shape, int64));
}

function decoder(scope: Scope, config: OptConfig): DecoderBody {
  const { hidden, embedding } = config;
  const table = scope.embedding('embed_tokens', config.vocabulary, embedding);
  const positionTable = scope.embedding('embed_positions', config.positions, hidden);
  const projects = embedding !== hidden;
  const projectOut = projects ? scope.linear('project_out', hidden, embedding, { bias: false }) : null;
  const projectIn = projects ? scope.linear('project_in', embedding, hidden, { bias: false }) : null;
  const finalNorm = config.normFirst ? scope.layerNorm('final_layer_norm', hidden) : null;
  const layers = scope.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const positionEmbeddings = module((ops, rows: Tensor): Tensor =>
    ops.embedding(ops.derive('add', [], rows.shape, int64), positionTable),
  );

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    let embeds = ops.keep(ops.embedding(ids, table));
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    const mask = olderCausalMask(ops, attentionMask, positions, embeds.dtype);
    if (mask !== null) ops.keep(mask);
    const rows = positionRows(ops, attentionMask);
    const places = ops.keep(positionEmbeddings(ops, rows));
    if (projectIn !== null) embeds = ops.rebind(embeds, ops.linear(embeds, projectIn));
    let h = ops.keep(ops.add(embeds, places));
    for (const block of blocks) h = ops.rebind(h, block(ops, [h, mask, rows, positions]));
    if (finalNorm !== null) h = ops.rebind(h, ops.layerNorm(h, finalNorm));
    if (projectOut !== null) h = ops.rebind(h, ops.linear(h, projectOut));
    return h;
  });
  return { table, run };
}

/** OPT (transformers' OPTForCausalLM). */
export function opt(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('model').child('decoder'), config);
  const { embedding: hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
