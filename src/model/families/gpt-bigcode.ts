import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { bool, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { causalMask } from '../modules/attention-masks.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { groupedAttention } from '../modules/grouped-attention.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface BigCodeConfig {
  layers: number;
  hidden: number;
  heads: number;
  inner: number;
  vocabulary: number;
  positions: number;
  /** One key and value head for all queries. */
  multiQuery: boolean;
  embeddingDropout: number;
  residualDropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

function read(model: ResolvedModel): BigCodeConfig {
  const config = new ConfigReader(model);
  const hidden = config.size(['n_embd', 'hidden_size'], 768);
  return {
    layers: config.size(['n_layer', 'num_hidden_layers'], 12),
    hidden,
    heads: config.size(['n_head', 'num_attention_heads'], 12),
    inner: config.size(['n_inner', 'intermediate_size'], 4 * hidden),
    vocabulary: config.size('vocab_size', 50257),
    positions: config.size(['n_positions', 'max_position_embeddings', 'learned_positions'], 1024),
    multiQuery: config.flag('multi_query', true),
    embeddingDropout: config.number('embd_pdrop', 0.1),
    residualDropout: config.number('resid_pdrop', 0.1),
    attentionDropout: config.number('attn_pdrop', 0.1),
    tied: config.flag('tie_word_embeddings', true),
    act: activation(config.text(['activation_function', 'hidden_act'], 'gelu_pytorch_tanh')),
  };
}

function attention(scope: Scope, config: BigCodeConfig) {
  const { hidden, heads, multiQuery } = config;
  const size = hidden / heads;
  const shared = multiQuery ? size : hidden;
  const project = scope.linear('c_attn', hidden, hidden + 2 * shared);
  const output = scope.linear('c_proj', hidden, hidden);

  const splitHeads = (ops: Operations, x: Tensor): Tensor[] => {
    const [batch, length] = x.shape as readonly [number, number];
    const projected = ops.linear(x, project);
    if (multiQuery) {
      const parts = ops.split(ops.unsqueeze(projected, 1), [hidden, shared, shared], 3);
      const [query, key, value] = parts.map((part) => ops.keep(part)) as [Tensor, Tensor, Tensor];
      const rows = ops.view(query, [batch, length, heads, size]);
      return [ops.rebind(query, ops.transpose(rows, 1, 2)), key, value];
    }
    const fused = ops.transpose(ops.view(projected, [batch, length, heads, 3 * size]), 1, 2);
    return ops.split(fused, [size, size, size], 3).map((part) => ops.keep(part));
  };

  return (ops: Operations, x: Tensor, mask: Argument): [Tensor, Tensor | null] => {
    ops.enter([x, mask]);
    const [query, key, value] = splitHeads(ops, x) as [Tensor, Tensor, Tensor];
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [attended, weights] = groupedAttention(ops, { query, key, value, mask, dropout });
    let out = ops.keep(attended);
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.contiguous(ops.reshape(out, x.shape)));
    out = ops.rebind(out, ops.linear(out, output));
    out = ops.rebind(out, ops.dropout(out, ops.dropoutOf(config.residualDropout)));
    return ops.leave([out, weights]);
  };
}

function feedForward(scope: Scope, config: BigCodeConfig) {
  const expand = scope.linear('c_fc', config.hidden, config.inner);
  const project = scope.linear('c_proj', config.inner, config.hidden);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, expand));
    h = ops.rebind(h, config.act(ops, h));
    h = ops.rebind(h, ops.linear(h, project));
    return ops.dropout(h, ops.dropoutOf(config.residualDropout));
  });
}

function layer(block: Block, config: BigCodeConfig) {
  const { scope } = block;
  const norm1 = scope.layerNorm('ln_1', config.hidden);
  const attend = attention(scope.child('attn'), config);
  const norm2 = scope.layerNorm('ln_2', config.hidden);
  const mlp = feedForward(scope.child('mlp'), config);

  return (ops: Operations, args: readonly Argument[]): readonly [Tensor, Tensor | null] =>
    ops.block(block, args, ([x, mask]) => {
      let h = ops.keep(ops.layerNorm(x!, norm1));
      const [attended, weights] = attend(ops, h, mask!);
      ops.keep(attended);
      if (weights !== null) ops.keep(weights);
      h = ops.rebind(h, ops.add(attended, x!));
      const second = ops.keep(h);
      h = ops.rebind(h, ops.layerNorm(h, norm2));
      const forwarded = ops.keep(mlp(ops, h));
      return [ops.add(second, forwarded), weights] as const;
    });
}

function decoder(scope: Scope, config: BigCodeConfig): DecoderBody {
  const table = scope.embedding('wte', config.vocabulary, config.hidden);
  const positionTable = scope.embedding('wpe', config.positions, config.hidden);
  const layers = scope.child('h');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const finalNorm = scope.layerNorm('ln_f', config.hidden);
  scope.buffer('bias', [config.positions, config.positions], bool);

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const embeds = ops.keep(ops.embedding(ids, table));
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    const mask = causalMask(ops, { attentionMask, positions, embeds });
    if (mask !== null) ops.keep(mask);
    const places = ops.keep(ops.embedding(ops.keep(ops.unsqueeze(positions, 0)), positionTable));
    let h = ops.keep(ops.add(embeds, places));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.embeddingDropout)));
    let outputs: Tensor | null = null;
    for (const block of blocks) {
      const [next, weights] = block(ops, [h, mask, positions]);
      if (weights !== null) ops.keep(weights);
      if (outputs !== null) ops.drop(outputs);
      outputs = weights;
      h = ops.rebind(h, next);
    }
    return ops.layerNorm(h, finalNorm);
  });
  return { table, run };
}

/** StarCoder and SantaCoder (transformers' GPTBigCodeForCausalLM). */
export function gptBigCode(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('transformer'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
