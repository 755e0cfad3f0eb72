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
import { keepPartlyRotated } from '../modules/rotary.js';
import type { Block, Linear } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface PhiConfig {
  layers: number;
  hidden: number;
  heads: number;
  keyValueHeads: number;
  intermediate: number;
  vocabulary: number;
  rotarySize: number;
  headNorms: boolean;
  embeddingDropout: number;
  residualDropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

function read(model: ResolvedModel): PhiConfig {
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size', 2048);
  const heads = config.size('num_attention_heads', 32);
  return {
    layers: config.size('num_hidden_layers', 24),
    hidden,
    heads,
    keyValueHeads: config.size('num_key_value_heads', heads),
    intermediate: config.size('intermediate_size', 4 * hidden),
    vocabulary: config.size('vocab_size', 51200),
    rotarySize: Math.floor((hidden / heads) * config.number('partial_rotary_factor', 0.5)),
    headNorms: config.flag('qk_layernorm', false),
    embeddingDropout: config.number('embd_pdrop', 0),
    residualDropout: config.number('resid_pdrop', 0),
    attentionDropout: config.number('attention_dropout', 0),
    tied: config.flag('tie_word_embeddings', false),
    act: activation(config.text('hidden_act', 'gelu_new')),
  };
}

/** What every layer is given beside its input. */
interface Around {
  mask: Argument;
  cos: Tensor;
  sin: Tensor;
}

function attention(scope: Scope, config: PhiConfig) {
  const { hidden, heads, keyValueHeads } = config;
  const size = hidden / heads;
  const queries = scope.linear('q_proj', hidden, hidden);
  const keys = scope.linear('k_proj', hidden, keyValueHeads * size);
  const values = scope.linear('v_proj', hidden, keyValueHeads * size);
  const output = scope.linear('dense', hidden, hidden);
  const queryNorm = config.headNorms ? scope.layerNorm('q_layernorm', size) : null;
  const keyNorm = config.headNorms ? scope.layerNorm('k_layernorm', size) : null;

  return (ops: Operations, x: Tensor, { mask, cos, sin }: Around): [Tensor, Tensor | null] => {
    ops.enter([x, mask, cos, sin]);
    const [batch, length] = x.shape as readonly [number, number];
    const project = (layer: Linear): Tensor =>
      ops.keep(ops.transpose(ops.view(ops.linear(x, layer), [batch, length, -1, size]), 1, 2));
    let query = project(queries);
    let key = project(keys);
    const value = project(values);
    if (queryNorm !== null) query = ops.rebind(query, ops.layerNorm(query, queryNorm));
    if (keyNorm !== null) key = ops.rebind(key, ops.layerNorm(key, keyNorm));
    [query, key] = keepPartlyRotated(ops, [query, key], [cos, sin]);
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [attended, weights] = groupedAttention(ops, { query, key, value, mask, dropout });
    let out = ops.keep(attended);
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.contiguous(ops.reshape(out, [batch, length, -1])));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, weights]);
  };
}

function feedForward(scope: Scope, { hidden, intermediate, act }: PhiConfig) {
  const expand = scope.linear('fc1', hidden, intermediate);
  const project = scope.linear('fc2', intermediate, hidden);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, expand));
    h = ops.rebind(h, act(ops, h));
    return ops.linear(h, project);
  });
}

/** Attention and feed-forward part side by side, over the same normalised input. */
function layer(block: Block, config: PhiConfig) {
  const { scope } = block;
  const attend = attention(scope.child('self_attn'), config);
  const mlp = feedForward(scope.child('mlp'), config);
  const norm = scope.layerNorm('input_layernorm', config.hidden);

  return (ops: Operations, args: readonly Argument[]): Tensor =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const dropout = ops.dropoutOf(config.residualDropout);
      const h = ops.keep(ops.layerNorm(x!, norm));
      const [result, weights] = attend(ops, h, { mask: mask!, cos: cos!, sin: sin! });
      let attended = ops.keep(result);
      if (weights !== null) ops.keep(weights);
      attended = ops.rebind(attended, ops.dropout(attended, dropout));
      const forwarded = ops.keep(ops.dropout(mlp(ops, h), dropout));
      return ops.add(ops.add(attended, forwarded), x!);
    });
}

function decoder(scope: Scope, config: PhiConfig): DecoderBody {
  const table = scope.embedding('embed_tokens', config.vocabulary, config.hidden);
  const layers = scope.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [config.rotarySize / 2], float32);
  const finalNorm = scope.layerNorm('final_layernorm', config.hidden);

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const { embeds, positionIds, masks } = beginDecoder(ops, ids, attentionMask, { table });
    const dropped = ops.rebind(embeds, ops.dropout(embeds, ops.dropoutOf(config.embeddingDropout)));
    let h = ops.keep(dropped);
    const [cos, sin] = keepRotaryTable(ops, [h, positionIds], frequencies);
    for (const block of blocks) h = ops.rebind(h, block(ops, [h, masks[0]!, positionIds, cos, sin]));
    return ops.layerNorm(h, finalNorm);
  });
  return { table, run };
}

/** Phi-1, Phi-1.5 and Phi-2 (transformers' PhiForCausalLM). */
export function phi(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('model'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied, headBias: true });
}
