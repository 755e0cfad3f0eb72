import type { Task } from '../../run/training-run.js';
import type { Architecture } from '../definition.js';
import { ConfigReader } from '../config-reader.js';
import { bool, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { causalMask } from '../modules/attention-masks.js';
import type { AttentionHeads } from '../modules/eager-attention.js';
import { gpt2EagerAttention } from '../modules/eager-attention.js';
import { decoderModel } from '../modules/causal-language-model.js';
import type { Block, Buffer, Scope } from '../module-tree.js';
import { Scope as ModuleScope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface Gpt2Config {
  layers: number;
  hidden: number;
  heads: number;
  inner: number;
  vocabulary: number;
  positions: number;
  embeddingDropout: number;
  residualDropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

function read(model: ResolvedModel): Gpt2Config {
  const config = new ConfigReader(model);
  const hidden = config.size(['n_embd', 'hidden_size'], 768);
  return {
    layers: config.size(['n_layer', 'num_hidden_layers'], 12),
    hidden,
    heads: config.size(['n_head', 'num_attention_heads'], 12),
    inner: config.size(['n_inner', 'intermediate_size'], 4 * hidden),
    vocabulary: config.size('vocab_size', 50257),
    positions: config.size(['n_positions', 'max_position_embeddings', 'learned_positions'], 1024),
    embeddingDropout: config.number('embd_pdrop', 0.1),
    residualDropout: config.number('resid_pdrop', 0.1),
    attentionDropout: config.number('attn_pdrop', 0.1),
    tied: config.flag('tie_word_embeddings', true),
    act: activation(config.text(['activation_function', 'hidden_act'], 'gelu_new')),
  };
}

function attention(scope: Scope, config: Gpt2Config) {
  const { hidden, heads } = config;
  const project = scope.conv1D('c_attn', hidden, 3 * hidden);
  const output = scope.conv1D('c_proj', hidden, hidden);
  const causal = scope.buffer('bias', [1, 1, config.positions, config.positions], bool);
  scope.buffer('masked_bias', []);
  const intoHeads = (ops: Operations, x: Tensor): Tensor =>
    ops.transpose(ops.view(x, [x.shape[0]!, x.shape[1]!, heads, hidden / heads]), 1, 2);

  return module((ops, x: Tensor, mask: Tensor | null): [Tensor, Tensor | null] => {
    const [q, k, v] = ops.split(ops.linear(x, project), [hidden, hidden, hidden], 2) as [Tensor, Tensor, Tensor];
    const key = ops.keep(intoHeads(ops, k));
    const value = ops.keep(intoHeads(ops, v));
    const query = ops.keep(intoHeads(ops, q));
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [attended, weights] = attend(ops, { query, key, value, mask, dropout }, causal);
    let out = ops.keep(ops.contiguous(ops.reshape(attended, x.shape)));
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.linear(out, output));
    return [ops.dropout(out, ops.dropoutOf(config.residualDropout)), weights];
  });
}

function attend(ops: Operations, heads: AttentionHeads, causal: Buffer): [Tensor, Tensor | null] {
  if (ops.attention === 'eager') return gpt2EagerAttention(ops, heads, ops.buffer(causal));
  const { query, key, value, mask, dropout } = heads;
  const attended = ops.scaledDotProductAttention(query, key, value, { mask, causal: mask === null, dropout });
  return [ops.contiguous(ops.transpose(attended, 1, 2)), null];
}

function feedForward(scope: Scope, config: Gpt2Config) {
  const expand = scope.conv1D('c_fc', config.hidden, config.inner);
  const project = scope.conv1D('c_proj', config.inner, config.hidden);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, expand));
    h = ops.rebind(h, config.act(ops, h));
    h = ops.rebind(h, ops.linear(h, project));
    return ops.dropout(h, ops.dropoutOf(config.residualDropout));
  });
}

function transformerBlock(block: Block, config: Gpt2Config) {
  const { scope } = block;
  const norm1 = scope.layerNorm('ln_1', config.hidden);
  const attend = attention(scope.child('attn'), config);
  const norm2 = scope.layerNorm('ln_2', config.hidden);
  const mlp = feedForward(scope.child('mlp'), config);

  return (ops: Operations, x: Tensor, positions: Tensor, mask: Tensor | null): Tensor =>
    ops.block(block, [x, positions, mask], ([residual, , blockMask]) => {
      let h = ops.keep(ops.layerNorm(residual!, norm1));
      const [attended, weights] = attend(ops, h, blockMask!);
      ops.keep(attended);
      if (weights !== null) ops.keep(weights);
      h = ops.rebind(h, ops.add(attended, residual!));
      const second = ops.keep(h);
      h = ops.rebind(h, ops.layerNorm(h, norm2));
      const forwarded = ops.keep(mlp(ops, h));
      return ops.add(second, forwarded);
    });
}

function transformer(scope: Scope, config: Gpt2Config) {
  const table = scope.embedding('wte', config.vocabulary, config.hidden);
  const positionTable = scope.embedding('wpe', config.positions, config.hidden);
  const layers = scope.child('h');
  const blocks = Array.from({ length: config.layers }, (_, i) => transformerBlock(layers.block(String(i)), config));
  const finalNorm = scope.layerNorm('ln_f', config.hidden);

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const embeds = ops.keep(ops.embedding(ids, table));
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    const positionIds = ops.keep(ops.unsqueeze(positions, 0));
    const positionEmbeds = ops.keep(ops.embedding(positionIds, positionTable));
    let h = ops.keep(ops.add(embeds, positionEmbeds));
    const mask = causalMask(ops, { attentionMask, positions, embeds });
    if (mask !== null) ops.keep(mask);
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.embeddingDropout)));
    for (const block of blocks) h = ops.rebind(h, block(ops, h, positions, mask));
    return ops.layerNorm(h, finalNorm);
  });
  return { table, run };
}

/** GPT-2 with its language-model head (transformers' GPT2LMHeadModel). */
export function gpt2(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = ModuleScope.root();
  const body = transformer(root.child('transformer'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
