import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { float32 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { beginDecoder, keepRotaryTable } from '../modules/decoder-start.js';
import { fusedFeedForward } from '../modules/feed-forward.js';
import { groupedAttention } from '../modules/grouped-attention.js';
import { rmsNorm } from '../modules/rms-norm.js';
import { applyPartialRotaryAtOnce } from '../modules/rotary.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface Phi3Config {
  layers: number;
  hidden: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
  intermediate: number;
  vocabulary: number;
  rotarySize: number;
  slidingWindow: number | null;
  embeddingDropout: number;
  residualDropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

function read(model: ResolvedModel): Phi3Config {
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size', 3072);
  const heads = config.size('num_attention_heads', 32);
  const headSize = config.size('head_dim', Math.floor(hidden / heads));
  return {
    layers: config.size('num_hidden_layers', 32),
    hidden,
    heads,
    keyValueHeads: config.size('num_key_value_heads', heads),
    headSize,
    intermediate: config.size('intermediate_size', 8192),
    vocabulary: config.size('vocab_size', 32064),
    rotarySize: Math.floor(headSize * config.number('partial_rotary_factor', 1)),
    slidingWindow: config.optionalSize('sliding_window'),
    embeddingDropout: config.number('embd_pdrop', 0),
    residualDropout: config.number('resid_pdrop', 0),
    attentionDropout: config.number('attention_dropout', 0),
    tied: config.flag('tie_word_embeddings', false),
    act: activation(config.text('hidden_act', 'silu')),
  };
}

/** What every layer is given beside its input. */
interface Around {
  mask: Argument;
  cos: Tensor;
  sin: Tensor;
}

function attention(scope: Scope, config: Phi3Config) {
  const { hidden, heads, keyValueHeads, headSize } = config;
  const [queryWidth, keyWidth] = [heads * headSize, keyValueHeads * headSize];
  const output = scope.linear('o_proj', queryWidth, hidden, { bias: false });
  const project = scope.linear('qkv_proj', hidden, queryWidth + 2 * keyWidth, { bias: false });

  return (ops: Operations, x: Tensor, { mask, cos, sin }: Around): [Tensor, Tensor | null] => {
    ops.enter([x, mask, cos, sin]);
    const [batch, length] = x.shape as readonly [number, number];
    const fused = ops.keep(ops.linear(x, project));
    const cuts = [0, queryWidth, queryWidth + keyWidth, queryWidth + 2 * keyWidth];
    const slices = [0, 1, 2].map((i) => ops.keep(ops.slice(fused, 2, cuts[i]!, cuts[i + 1]!)));
    const [query, key, value] = slices.map((part) =>
      ops.rebind(part, ops.transpose(ops.view(part, [batch, length, -1, headSize]), 1, 2)),
    ) as [Tensor, Tensor, Tensor];
    const rotated = applyPartialRotaryAtOnce(ops, [query, key], [cos, sin]);
    const turned = { query: ops.rebind(query, rotated[0]), key: ops.rebind(key, rotated[1]) };
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [attended, weights] = groupedAttention(ops, { ...turned, value, mask, dropout });
    let out = ops.keep(attended);
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.contiguous(ops.reshape(out, [batch, length, -1])));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, weights]);
  };
}

function layer(block: Block, config: Phi3Config) {
  const { scope } = block;
  const attend = attention(scope.child('self_attn'), config);
  const mlp = fusedFeedForward(scope.child('mlp'), { ...config, bias: false });
  const inputNorm = scope.child('input_layernorm').parameter('weight', [config.hidden]);
  const attentionNorm = scope.child('post_attention_layernorm').parameter('weight', [config.hidden]);

  return (ops: Operations, args: readonly Argument[]): Tensor =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const addTo = (residual: Tensor, h: Tensor): Tensor =>
        ops.add(residual, ops.dropout(h, ops.dropoutOf(config.residualDropout)));
      let h = ops.keep(rmsNorm(ops, x!, inputNorm));
      const [attended, weights] = attend(ops, h, { mask: mask!, cos: cos!, sin: sin! });
      h = ops.rebind(h, attended);
      if (weights !== null) ops.keep(weights);
      h = ops.rebind(h, addTo(x!, h));
      const residual = ops.keep(h);
      h = ops.rebind(h, rmsNorm(ops, h, attentionNorm));
      h = ops.rebind(h, mlp(ops, h));
      return addTo(residual, h);
    });
}

function decoder(scope: Scope, config: Phi3Config): DecoderBody {
  const table = scope.embedding('embed_tokens', config.vocabulary, config.hidden);
  const layers = scope.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const finalNorm = scope.child('norm').parameter('weight', [config.hidden]);
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [config.rotarySize / 2], float32);
  const windows = [config.slidingWindow];

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const { embeds, positionIds, masks } = beginDecoder(ops, ids, attentionMask, { table, windows });
    let h = ops.keep(embeds);
    const [cos, sin] = keepRotaryTable(ops, [h, positionIds], frequencies);
    for (const block of blocks) h = ops.rebind(h, block(ops, [h, masks[0]!, positionIds, cos, sin]));
    return rmsNorm(ops, h, finalNorm);
  });
  return { table, run };
}

/** Phi-3, Phi-3.5 and Phi-4 (transformers' Phi3ForCausalLM). */
export function phi3(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('model'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
