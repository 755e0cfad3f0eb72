import { ConfigReader } from '../config-reader.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { MixtureSizes } from '../modules/mixture-of-experts.js';
import type { Norm } from '../modules/rms-norm.js';
import { gemmaNorm, rmsNorm } from '../modules/rms-norm.js';
import type { ResolvedModel } from '../resolved-model.js';

/** Dimensions and options of a decoder of Llama's kind. */
export interface LlamaConfig {
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
  /** Normalisation of each query and key head: as projected (Qwen3), or when all three are projected (Gemma 3). */
  headNorms: 'each' | 'together' | null;
  slidingWindow: number | null;
  /** Which layers look no further back than the window. */
  slides: (layer: number) => boolean;
  norm: Norm;
  /** Norms after attention and feed-forward part as well as before (Gemma 2). */
  sandwichNorms: boolean;
  /** Embeddings, residual branches or logits are multiplied by a number. */
  scales: { embeddings: false | 'before-mask' | 'after-rotary'; residual: boolean; logits: boolean };
  /** Embeddings multiplied by a tensor as they are looked up, and rotary angles of their own for sliding layers (Gemma 3). */
  gemma3: boolean;
  softCaps: { attention: boolean; logits: boolean };
  dropout: number;
  act: Activation;
  mixture: MixtureVariant | null;
}

/** What a model type of the family does differently from Llama. */
interface Variant {
  queryKeyValueBias?: boolean;
  headNorms?: 'each' | 'together' | null;
  /** Whether `sliding_window` of the configuration is used. */
  slides?: (config: ConfigReader) => boolean;
  /** Layers that slide, where not all do. */
  slidingLayers?: (layer: number, config: ConfigReader) => boolean;
  norm?: Norm;
  sandwichNorms?: boolean;
  scales?: Partial<LlamaConfig['scales']>;
  gemma3?: boolean;
  tied?: boolean;
  act?: string;
  /** Experts in place of the feed-forward part. */
  mixture?: (config: ConfigReader) => MixtureVariant;
}

export interface MixtureVariant {
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

const UNSCALED: LlamaConfig['scales'] = { embeddings: false, residual: false, logits: false };
const never = (): boolean => false;
const VARIANTS: Readonly<Record<string, Variant>> = {
  llama: {},
  mistral: { slides: () => true },
  qwen2: { queryKeyValueBias: true, slides: (config) => config.flag('use_sliding_window', false) },
  qwen3: { headNorms: 'each', slides: (config) => config.flag('use_sliding_window', false) },
  gemma: { norm: gemmaNorm, scales: { embeddings: 'after-rotary' }, tied: true, act: 'gelu_pytorch_tanh' },
  gemma2: {
    norm: gemmaNorm,
    sandwichNorms: true,
    scales: { embeddings: 'after-rotary' },
    slides: () => true,
    slidingLayers: (layer) => layer % 2 === 0,
    tied: true,
    act: 'gelu_pytorch_tanh',
  },
  gemma3_text: {
    norm: gemmaNorm,
    sandwichNorms: true,
    headNorms: 'together',
    gemma3: true,
    slides: () => true,
    slidingLayers: (layer, config) => (layer + 1) % config.size('sliding_window_pattern', 6) !== 0,
    tied: true,
    act: 'gelu_pytorch_tanh',
  },
  granite: { scales: { embeddings: 'before-mask', residual: true, logits: true } },
  mixtral: { slides: () => true, mixture: mixtral },
  qwen3_moe: { headNorms: 'each', slides: (config) => config.flag('use_sliding_window', false), mixture: qwen3Mixture },
};

/** What holds where a variant says nothing: Llama's own way. */
const PLAIN: Omit<Required<Variant>, 'mixture' | 'queryKeyValueBias'> = {
  headNorms: null,
  slides: never,
  slidingLayers: () => true,
  norm: rmsNorm,
  sandwichNorms: false,
  scales: {},
  gemma3: false,
  tied: false,
  act: 'silu',
};

/** Reads a configuration; throws UnsupportedModel where a dimension is missing. */
export function readLlama(model: ResolvedModel): LlamaConfig {
  const config = new ConfigReader(model);
  const variant = { ...PLAIN, ...VARIANTS[model.modelType] };
  const attentionBias = config.flag('attention_bias', false);
  return {
    ...dimensions(config),
    tied: config.flag('tie_word_embeddings', variant.tied),
    queryKeyValueBias: config.flag('qkv_bias', variant.queryKeyValueBias ?? attentionBias),
    outputBias: config.flag('o_bias', attentionBias),
    mlpBias: config.flag('mlp_bias', false),
    headNorms: variant.headNorms,
    slidingWindow: variant.slides(config) ? config.optionalSize('sliding_window') : null,
    dropout: config.number('attention_dropout', 0),
    act: activation(config.text(['hidden_activation', 'hidden_act'], variant.act)),
    slides: (layer) => variant.slidingLayers(layer, config),
    gemma3: variant.gemma3,
    norm: variant.norm,
    sandwichNorms: variant.sandwichNorms,
    scales: { ...UNSCALED, ...variant.scales },
    softCaps: { attention: config.has('attn_logit_softcapping'), logits: config.has('final_logit_softcapping') },
    mixture: variant.mixture?.(config) ?? null,
  };
}

type Dimensions = 'layers' | 'hidden' | 'intermediate' | 'heads' | 'keyValueHeads' | 'headSize' | 'vocabulary';

function dimensions(config: ConfigReader): Pick<LlamaConfig, Dimensions> {
  const hidden = config.size('hidden_size');
  const heads = config.size('num_attention_heads');
  return {
    layers: config.size('num_hidden_layers'),
    hidden,
    intermediate: config.size('intermediate_size'),
    heads,
    keyValueHeads: config.size('num_key_value_heads', heads),
    headSize: config.size('head_dim', Math.floor(hidden / heads)),
    vocabulary: config.size('vocab_size'),
  };
}
