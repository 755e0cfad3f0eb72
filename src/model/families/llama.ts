import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { float32 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { DecoderBody } from '../modules/causal-language-model.js';
import { causalLanguageModel } from '../modules/causal-language-model.js';
import { beginDecoder, keepRotaryTable } from '../modules/decoder-start.js';
import { groupedAttention } from '../modules/grouped-attention.js';
import type { MixtureSizes } from '../modules/mixture-of-experts.js';
import { mixtureOfExperts } from '../modules/mixture-of-experts.js';
import { rmsNorm } from '../modules/rms-norm.js';
import { applyRotary } from '../modules/rotary.js';
import type { Block, Linear, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface LlamaConfig {
  layers: number;
  hidden: number;
  intermediate: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
  vocabulary: number;
  tied: boolean;
  queryKeyValueBias: boolean;
  outputBias: boolean;
  mlpBias: boolean;
  /** Normalisation of each query and key head, as in Qwen3. */
  headNorms: boolean;
  slidingWindow: number | null;
  dropout: number;
  act: Activation;
  mixture: MixtureVariant | null;
}

/** What a model type of the family does differently from Llama. */
interface Variant {
  queryKeyValueBias?: boolean;
  headNorms?: boolean;
  /** Whether `sliding_window` of the configuration is used. */
  slides?: (config: ConfigReader) => boolean;
  /** Experts in place of the feed-forward part. */
  mixture?: (config: ConfigReader) => MixtureVariant;
}

interface MixtureVariant {
  /** Name of the sparse block and its experts' projections. */
  block: string;
  sizes: Omit<MixtureSizes, 'hidden' | 'act'>;
}

const mixtral = (config: ConfigReader): MixtureVariant => ({
  block: 'block_sparse_moe',
  sizes: {
    intermediate: config.size('intermediate_size'),
    experts: config.size(['num_local_experts', 'num_experts'], 8),
    perToken: config.size('num_experts_per_tok', 2),
    normalises: true,
    names: [
      ['gate', 'w1'],
      ['down', 'w2'],
      ['up', 'w3'],
    ],
  },
});

const qwen3Mixture = (config: ConfigReader): MixtureVariant => ({
  block: 'mlp',
  sizes: {
    intermediate: config.size('moe_intermediate_size'),
    experts: config.size(['num_experts', 'num_local_experts']),
    perToken: config.size('num_experts_per_tok', 8),
    normalises: config.flag('norm_topk_prob', true),
    names: [
      ['gate', 'gate_proj'],
      ['up', 'up_proj'],
      ['down', 'down_proj'],
    ],
  },
});

const never = (): boolean => false;
const VARIANTS: Readonly<Record<string, Variant>> = {
  llama: {},
  mistral: { slides: () => true },
  qwen2: { queryKeyValueBias: true, slides: (config) => config.flag('use_sliding_window', false) },
  qwen3: { headNorms: true, slides: (config) => config.flag('use_sliding_window', false) },
  mixtral: { slides: () => true, mixture: mixtral },
  qwen3_moe: { headNorms: true, slides: (config) => config.flag('use_sliding_window', false), mixture: qwen3Mixture },
};

function read(model: ResolvedModel): LlamaConfig {
  const variant = VARIANTS[model.modelType] ?? {};
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size');
  const heads = config.size('num_attention_heads');
  const attentionBias = config.flag('attention_bias', false);
  return {
    layers: config.size('num_hidden_layers'),
    hidden,
    intermediate: config.size('intermediate_size'),
    heads,
    keyValueHeads: config.size('num_key_value_heads', heads),
    headSize: config.size('head_dim', Math.floor(hidden / heads)),
    vocabulary: config.size('vocab_size'),
    tied: config.flag('tie_word_embeddings', false),
    queryKeyValueBias: config.flag('qkv_bias', variant.queryKeyValueBias ?? attentionBias),
    outputBias: config.flag('o_bias', attentionBias),
    mlpBias: config.flag('mlp_bias', false),
    headNorms: variant.headNorms ?? false,
    slidingWindow: (variant.slides ?? never)(config) ? config.optionalSize('sliding_window') : null,
    dropout: config.number('attention_dropout', 0),
    act: activation(config.text('hidden_act', 'silu')),
    mixture: variant.mixture?.(config) ?? null,
  };
}

type Attention = (ops: Operations, x: Tensor, around: Around) => [Tensor, Tensor | null];

/** What every layer is given beside its input. */
interface Around {
  cos: Tensor;
  sin: Tensor;
  mask: Tensor | null;
}

function attention(scope: Scope, config: LlamaConfig): Attention {
  const { hidden, heads, keyValueHeads, headSize, queryKeyValueBias: bias } = config;
  const queryProjection = scope.linear('q_proj', hidden, heads * headSize, { bias });
  const keyProjection = scope.linear('k_proj', hidden, keyValueHeads * headSize, { bias });
  const valueProjection = scope.linear('v_proj', hidden, keyValueHeads * headSize, { bias });
  const output = scope.linear('o_proj', heads * headSize, hidden, { bias: config.outputBias });
  const queryNorm = config.headNorms ? scope.child('q_norm').parameter('weight', [headSize]) : null;
  const keyNorm = config.headNorms ? scope.child('k_norm').parameter('weight', [headSize]) : null;

  const project = (ops: Operations, x: Tensor, layer: Linear, norm: Parameter | null): Tensor => {
    const heads = ops.view(ops.linear(x, layer), [x.shape[0]!, x.shape[1]!, layer.outFeatures / headSize, headSize]);
    return ops.transpose(norm === null ? heads : rmsNorm(ops, heads, norm), 1, 2);
  };

  return (ops, x, { cos, sin, mask }) => {
    ops.enter([x, cos, sin, mask]);
    let query = ops.keep(project(ops, x, queryProjection, queryNorm));
    let key = ops.keep(project(ops, x, keyProjection, keyNorm));
    const value = ops.keep(project(ops, x, valueProjection, null));
    const [rotatedQuery, rotatedKey] = applyRotary(ops, [query, key], [cos, sin]);
    query = ops.rebind(query, rotatedQuery);
    key = ops.rebind(key, rotatedKey);
    const dropout = ops.dropoutOf(config.dropout);
    const [attended, weights] = groupedAttention(ops, { query, key, value, mask, dropout });
    if (weights !== null) ops.keep(weights);
    let out = ops.keep(ops.contiguous(ops.reshape(ops.keep(attended), [x.shape[0]!, x.shape[1]!, -1])));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, weights]);
  };
}

function feedForward(scope: Scope, { hidden, intermediate, mlpBias: bias, act }: LlamaConfig) {
  const gate = scope.linear('gate_proj', hidden, intermediate, { bias });
  const up = scope.linear('up_proj', hidden, intermediate, { bias });
  const down = scope.linear('down_proj', intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor =>
    ops.linear(ops.mul(act(ops, ops.linear(x, gate)), ops.linear(x, up)), down),
  );
}

/** The feed-forward part: dense, or experts, whose router's logits are returned beside. */
function feeding(scope: Scope, config: LlamaConfig): (ops: Operations, x: Tensor) => [Tensor, Tensor | null] {
  const { mixture, hidden, act } = config;
  if (mixture !== null) return mixtureOfExperts(scope.child(mixture.block), { ...mixture.sizes, hidden, act });
  const mlp = feedForward(scope.child('mlp'), config);
  return (ops, x) => [mlp(ops, x), null];
}

type Layer = (ops: Operations, args: readonly Argument[]) => Tensor;

function decoderLayer(block: Block, config: LlamaConfig): Layer {
  const { scope } = block;
  const attend = attention(scope.child('self_attn'), config);
  const feed = feeding(scope, config);
  const inputNorm = scope.child('input_layernorm').parameter('weight', [config.hidden]);
  const attentionNorm = scope.child('post_attention_layernorm').parameter('weight', [config.hidden]);

  return (ops, args) =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const residual = x!;
      let h = ops.keep(rmsNorm(ops, residual, inputNorm));
      const [attended, weights] = attend(ops, h, { cos: cos!, sin: sin!, mask: mask! });
      h = ops.rebind(h, attended);
      if (weights !== null) ops.keep(weights);
      h = ops.rebind(h, ops.add(residual, h));
      const second = ops.keep(h);
      h = ops.rebind(h, rmsNorm(ops, h, attentionNorm));
      const [fed, routed] = feed(ops, h);
      h = ops.rebind(h, fed);
      if (routed !== null) ops.keep(routed);
      return ops.add(second, h);
    });
}

function decoder(scope: Scope, config: LlamaConfig): DecoderBody {
  const table = scope.embedding('embed_tokens', config.vocabulary, config.hidden);
  const layers = scope.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => decoderLayer(layers.block(String(i)), config));
  const finalNorm = scope.child('norm').parameter('weight', [config.hidden]);
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [config.headSize / 2], float32);

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const start = beginDecoder(ops, ids, attentionMask, { table, window: config.slidingWindow });
    const { embeds, positionIds, mask } = start;
    let h = ops.keep(embeds);
    const [cos, sin] = keepRotaryTable(ops, h, positionIds, frequencies);
    for (const layer of blocks) h = ops.rebind(h, layer(ops, [h, mask, positionIds, cos, sin]));
    return rmsNorm(ops, h, finalNorm);
  });
  return { table, run };
}

/** Llama, Mistral, Qwen2 and Qwen3 with a language-model head (transformers' *ForCausalLM). */
export function llama(model: ResolvedModel): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('model'), config);
  const { hidden, vocabulary, tied } = config;
  return causalLanguageModel({ name: model.name, root, body, hidden, vocabulary, tied });
}
