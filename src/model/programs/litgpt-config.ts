import { ConfigReader } from '../config-reader.js';
import type { ResolvedModel } from '../resolved-model.js';
import { readDecoderSizes } from './decoder-sizes.js';

/** `litgpt.Config`, as far as it decides memory. */
export interface LitGptConfig {
  layers: number;
  hidden: number;
  heads: number;
  /** `n_query_groups`: heads of keys and values. */
  groups: number;
  headSize: number;
  /** Elements of each head that turn. */
  rotarySize: number;
  intermediate: number;
  vocabulary: number;
  norm: 'rms' | 'rms-unit-offset' | 'layer';
  parallelResidual: boolean;
  /** One norm for attention and feed-forward part (Phi, Falcon 7B). */
  sharedNorm: boolean;
  /** Norms after attention and feed-forward part as well as before (Gemma 2). */
  postNorms: boolean;
  bias: boolean;
  attentionBias: boolean;
  headBias: boolean;
  /** `LLaMAMLP`, `GemmaMLP` or `GptNeoxMLP`. */
  mlp: 'silu-gated' | 'gelu-gated' | 'gelu';
  scalesEmbeddings: boolean;
  headNorms: boolean;
  softCaps: { attention: boolean; logits: boolean };
}

const PLAIN = {
  parallelResidual: false,
  sharedNorm: false,
  postNorms: false,
  bias: false,
  attentionBias: false,
  headBias: false,
  scalesEmbeddings: false,
  headNorms: false,
  softCaps: { attention: false, logits: false },
} as const;

function llamaLike(model: ResolvedModel): LitGptConfig {
  const config = readDecoderSizes(model);
  const gemma = model.modelType.startsWith('gemma');
  const gemma2 = model.modelType === 'gemma2';
  const { layers, hidden, heads, headSize, intermediate, vocabulary } = config;
  const softCaps = { attention: gemma2, logits: gemma2 };
  return {
    ...PLAIN,
    ...{ layers, hidden, heads, headSize, intermediate, vocabulary, softCaps },
    groups: config.keyValueHeads,
    rotarySize: headSize,
    norm: gemma ? 'rms-unit-offset' : 'rms',
    postNorms: gemma2,
    attentionBias: config.queryKeyValueBias,
    mlp: gemma ? 'gelu-gated' : 'silu-gated',
    scalesEmbeddings: gemma,
    headNorms: config.headNorms,
  };
}

type Dimensions = Pick<
  LitGptConfig,
  'layers' | 'hidden' | 'heads' | 'groups' | 'headSize' | 'intermediate' | 'vocabulary'
>;

function dimensions(config: ConfigReader): Dimensions {
  const hidden = config.size(['hidden_size', 'n_embd']);
  const heads = config.size(['num_attention_heads', 'n_head']);
  return {
    layers: config.size(['num_hidden_layers', 'n_layer']),
    hidden,
    heads,
    groups: config.size(['num_key_value_heads', 'num_kv_heads'], heads),
    headSize: config.size('head_dim', Math.floor(hidden / heads)),
    intermediate: config.size(['intermediate_size', 'n_inner', 'ffn_hidden_size'], 4 * hidden),
    vocabulary: config.size('vocab_size'),
  };
}

const turning = ({ headSize }: Dimensions, share: number): number => Math.floor(headSize * share);

function gptNeox(model: ResolvedModel): LitGptConfig {
  const config = new ConfigReader(model);
  const sizes = dimensions(config);
  return {
    ...PLAIN,
    ...sizes,
    rotarySize: turning(sizes, config.number(['rotary_pct', 'partial_rotary_factor'], 0.25)),
    norm: 'layer',
    parallelResidual: config.flag(['use_parallel_residual', 'parallel_residual'], true),
    bias: true,
    mlp: 'gelu',
  };
}

function phi(model: ResolvedModel): LitGptConfig {
  const config = new ConfigReader(model);
  const sizes = dimensions(config);
  return {
    ...PLAIN,
    ...sizes,
    rotarySize: turning(sizes, config.number(['partial_rotary_factor', 'rotary_pct'], 0.5)),
    norm: 'layer',
    parallelResidual: true,
    sharedNorm: true,
    bias: true,
    headBias: true,
    mlp: 'gelu',
  };
}

function phi3(model: ResolvedModel): LitGptConfig {
  const sizes = dimensions(new ConfigReader(model));
  return { ...PLAIN, ...sizes, rotarySize: sizes.headSize, norm: 'rms', mlp: 'silu-gated' };
}

function falcon(model: ResolvedModel): LitGptConfig {
  const config = new ConfigReader(model);
  const large = config.flag('new_decoder_architecture', false);
  const sizes = dimensions(config);
  const groups = large || !config.flag('multi_query', true) ? sizes.groups : 1;
  return {
    ...PLAIN,
    ...sizes,
    groups,
    rotarySize: sizes.headSize,
    norm: 'layer',
    parallelResidual: true,
    sharedNorm: !large,
    mlp: 'gelu',
  };
}

function stableLm(model: ResolvedModel): LitGptConfig {
  const config = new ConfigReader(model);
  const sizes = dimensions(config);
  return {
    ...PLAIN,
    ...sizes,
    rotarySize: turning(sizes, config.number('partial_rotary_factor', 0.25)),
    norm: 'layer',
    attentionBias: config.flag('use_qkv_bias', false),
    mlp: 'silu-gated',
  };
}

/** Model types of Hugging Face that litgpt has a configuration for, and how it is read off theirs. */
export const LITGPT_CONFIGS: Readonly<Record<string, (model: ResolvedModel) => LitGptConfig>> = {
  llama: llamaLike,
  mistral: llamaLike,
  qwen2: llamaLike,
  qwen3: llamaLike,
  gemma: llamaLike,
  gemma2: llamaLike,
  gpt_neox: gptNeox,
  phi,
  phi3,
  falcon,
  stablelm: stableLm,
};
