import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { float32 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { beginDecoder, keepRotaryTable } from '../modules/decoder-start.js';
import { groupedAttention } from '../modules/grouped-attention.js';
import { applyRotary } from '../modules/rotary.js';
import type { Block, Linear } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface StarCoder2Config {
  layers: number;
  hidden: number;
  heads: number;
  keyValueHeads: number;
  intermediate: number;
  vocabulary: number;
  bias: boolean;
  slidingWindow: number | null;
  embeddingDropout: number;
  residualDropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

function read(model: ResolvedModel): StarCoder2Config {
  const config = new ConfigReader(model);
  return {
    layers: config.size('num_hidden_layers', 30),
    hidden: config.size('hidden_size', 3072),
    heads: config.size('num_attention_heads', 24),
    keyValueHeads: config.size('num_key_value_heads', 2),
    intermediate: config.size('intermediate_size', 12288),
    vocabulary: config.size('vocab_size', 49152),
    bias: config.flag('use_bias', true),
    slidingWindow: config.optionalSize('sliding_window'),
    embeddingDropout: config.number('embedding_dropout', 0),
    residualDropout: config.number('residual_dropout', 0),
    attentionDropout: config.number('attention_dropout', 0),
    tied: config.flag('tie_word_embeddings', true),
    act: activation(config.text('hidden_act', 'gelu_pytorch_tanh')),
  };
}

/** What every layer is given beside its input. */
interface Around {
  mask: Argument;
  cos: Tensor;
  sin: Tensor;
}

function attention(scope: Scope, config: StarCoder2Config) {
  const { hidden, heads, keyValueHeads, bias } = config;
  const size = hidden / heads;
  const queries = scope.linear('q_proj', hidden, hidden, { bias });
  const keys = scope.linear('k_proj', hidden, keyValueHeads * size, { bias });
  const values = scope.linear('v_proj', hidden, keyValueHeads * size, { bias });
  const output = scope.linear('o_proj', hidden, hidden, { bias });

  return (ops: Operations, x: Tensor, { mask, cos, sin }: Around): [Tensor, Tensor | null] => {
    ops.enter([x, mask, cos, sin]);
    const [batch, length] = x.shape as readonly [number, number];
    const project = (layer: Linear): Tensor =>
      ops.keep(ops.transpose(ops.view(ops.linear(x, layer), [batch, length, -1, size]), 1, 2));
    const [query, key, value] = [project(queries), project(keys), project(values)];
    const rotated = applyRotary(ops, [query, key], [cos, sin]);
    const turned = { query: ops.rebind(query, rotated[0]), key: ops.rebind(key, rotated[1]) };
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [attended, weights] = groupedAttention(ops, { ...turned, value, mask, dropout });
    let out = ops.keep(attended);
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.contiguous(ops.reshape(out, [batch, length, -1])));
    out = ops.rebind(out, ops.linear(out, output));
    out = ops.rebind(out, ops.dropout(out, ops.dropoutOf(config.residualDropout)));
    return ops.leave([out, weights]);
  };
}

function feedForward(scope: Scope, { hidden, intermediate, bias, act, residualDropout }: StarCoder2Config) {
  const expand = scope.linear('c_fc', hidden, intermediate, { bias });
  const project = scope.linear('c_proj', intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, expand));
    h = ops.rebind(h, act(ops, h));
    h = ops.rebind(h, ops.linear(h, project));
    return ops.rebind(h, ops.dropout(h, ops.dropoutOf(residualDropout)));
  });
}

function layer(block: Block, config: StarCoder2Config) {
  const { scope } = block;
  const attend = attention(scope.child('self_attn'), config);
  const mlp = feedForward(scope.child('mlp'), config);
  const inputNorm = scope.layerNorm('input_layernorm', config.hidden);
  const attentionNorm = scope.layerNorm('post_attention_layernorm', config.hidden);

  return (ops: Operations, args: readonly Argument[]): Tensor =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      let h = ops.keep(ops.layerNorm(x!, inputNorm));
      const [attended, weights] = attend(ops, h, { mask: mask!, cos: cos!, sin: sin! });
      h = ops.rebind(h, attended);
      if (weights !== null) ops.keep(weights);
      h = ops.rebind(h, ops.add(x!, h));
      const residual = ops.keep(h);
      h = ops.rebind(h, ops.layerNorm(h, attentionNorm));
      h = ops.rebind(h, mlp(ops, h));
      return ops.add(residual, h);
    });
}

function decoder(scope: Scope, config: StarCoder2Config): DecoderBody {
  const table = scope.embedding('embed_tokens', config.vocabulary, config.hidden);
  const layers = scope.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const finalNorm = scope.layerNorm('norm', config.hidden);
  const headSize = config.hidden / config.heads;
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [headSize / 2], float32);
  const windows = [config.slidingWindow];

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const { embeds, positionIds, masks } = beginDecoder(ops, ids, attentionMask, { table, windows });
    let h = ops.keep(ops.dropout(embeds, ops.dropoutOf(config.embeddingDropout)));
    const [cos, sin] = keepRotaryTable(ops, [h, positionIds], frequencies);
    for (const block of blocks) h = ops.rebind(h, block(ops, [h, masks[0]!, positionIds, cos, sin]));
    return ops.layerNorm(h, finalNorm);
  });
  return { table, run };
}

/** StarCoder 2 (transformers' Starcoder2ForCausalLM). */
export function starCoder2(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('model'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
