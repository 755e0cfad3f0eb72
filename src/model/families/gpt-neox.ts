import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { float32 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { beginDecoder, keepRotaryTable } from '../modules/decoder-start.js';
import { ungroupedAttention } from '../modules/grouped-attention.js';
import { applyPartialRotary } from '../modules/rotary.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface NeoxConfig {
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  rotarySize: number;
  parallelResidual: boolean;
  attentionBias: boolean;
  dropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

function read(model: ResolvedModel): NeoxConfig {
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size', 6144);
  const heads = config.size('num_attention_heads', 64);
  return {
    layers: config.size('num_hidden_layers', 44),
    hidden,
    heads,
    intermediate: config.size('intermediate_size', 4 * hidden),
    vocabulary: config.size('vocab_size', 50432),
    rotarySize: Math.floor((hidden / heads) * config.number('rotary_pct', 0.25)),
    parallelResidual: config.flag(['use_parallel_residual', 'parallel_residual'], true),
    attentionBias: config.flag('attention_bias', true),
    dropout: config.number('hidden_dropout', 0),
    attentionDropout: config.number('attention_dropout', 0),
    tied: config.flag('tie_word_embeddings', false),
    act: activation(config.text('hidden_act', 'gelu')),
  };
}

/** What every layer is given beside its input. */
interface Around {
  mask: Tensor | null;
  cos: Tensor;
  sin: Tensor;
}

function attention(scope: Scope, config: NeoxConfig) {
  const { hidden, heads, attentionBias: bias } = config;
  const headSize = hidden / heads;
  const project = scope.linear('query_key_value', hidden, 3 * hidden, { bias });
  const output = scope.linear('dense', hidden, hidden, { bias });

  return (ops: Operations, x: Tensor, { mask, cos, sin }: Around): [Tensor, Tensor | null] => {
    ops.enter([x, mask, cos, sin]);
    const [batch, length] = x.shape as readonly [number, number];
    const fused = ops.transpose(ops.view(ops.linear(x, project), [batch, length, heads, 3 * headSize]), 1, 2);
    const parts = ops.split(ops.keep(fused), [headSize, headSize, headSize], 3).map((part) => ops.keep(part));
    const [query, key, value] = parts as [Tensor, Tensor, Tensor];
    const rotated = applyPartialRotary(ops, [query, key], [cos, sin]);
    const rotatedQuery = ops.rebind(query, rotated[0]);
    const rotatedKey = ops.rebind(key, rotated[1]);
    const dropout = ops.dropoutOf(config.attentionDropout);
    const heads4 = { query: rotatedQuery, key: rotatedKey, value, mask, dropout };
    const [attended, weights] = ungroupedAttention(ops, heads4);
    if (weights !== null) ops.keep(weights);
    let out = ops.keep(ops.contiguous(ops.reshape(ops.keep(attended), [batch, length, hidden])));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, weights]);
  };
}

function feedForward(scope: Scope, { hidden, intermediate, act }: NeoxConfig) {
  const expand = scope.linear('dense_h_to_4h', hidden, intermediate);
  const contract = scope.linear('dense_4h_to_h', intermediate, hidden);
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, expand));
    h = ops.rebind(h, act(ops, h));
    return ops.linear(h, contract);
  });
}

function layer(block: Block, config: NeoxConfig) {
  const { scope } = block;
  const inputNorm = scope.layerNorm('input_layernorm', config.hidden);
  const attentionNorm = scope.layerNorm('post_attention_layernorm', config.hidden);
  const attend = attention(scope.child('attention'), config);
  const mlp = feedForward(scope.child('mlp'), config);
  const drop = (ops: Operations, x: Tensor): Tensor => ops.rebind(x, ops.dropout(x, ops.dropoutOf(config.dropout)));

  return (ops: Operations, args: readonly Argument[]): Tensor =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const [attended, weights] = attend(ops, ops.layerNorm(x!, inputNorm), { mask: mask!, cos: cos!, sin: sin! });
      ops.keep(attended);
      if (weights !== null) ops.keep(weights);
      const branch = drop(ops, attended);
      if (config.parallelResidual) {
        const forwarded = drop(ops, ops.keep(mlp(ops, ops.layerNorm(x!, attentionNorm))));
        return ops.add(ops.add(forwarded, branch), x!);
      }
      const middle = ops.rebind(branch, ops.add(branch, x!));
      const forwarded = drop(ops, ops.keep(mlp(ops, ops.layerNorm(middle, attentionNorm))));
      return ops.add(forwarded, middle);
    });
}

function decoder(scope: Scope, config: NeoxConfig): DecoderBody {
  const table = scope.embedding('embed_in', config.vocabulary, config.hidden);
  const layers = scope.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const finalNorm = scope.layerNorm('final_layer_norm', config.hidden);
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [config.rotarySize / 2], float32);

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const { embeds, positionIds, masks } = beginDecoder(ops, ids, attentionMask, { table });
    let h = ops.keep(ops.dropout(embeds, ops.dropoutOf(config.dropout)));
    const [cos, sin] = keepRotaryTable(ops, [h, positionIds], frequencies);
    for (const block of blocks) h = ops.rebind(h, block(ops, [h, masks[0]!, positionIds, cos, sin]));
    return ops.layerNorm(h, finalNorm);
  });
  return { table, run };
}

/** GPT-NeoX and Pythia (transformers' GPTNeoXForCausalLM). */
export function gptNeox(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('gpt_neox'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied, headName: 'embed_out' });
}
