import type { ConfigReader } from '../config-reader.js';
import { denseFeed, fusedFeedForward, gatedFeedForward, plainFeedForward } from '../modules/feed-forward.js';
import {
  bareNormLayer,
  cohereNormLayer,
  gemmaNormLayer,
  lateCastNormLayer,
  onePlusNormLayer,
  plainNormLayer,
  raisedWeightNormLayer,
  weightLastNormLayer,
} from '../modules/norm-layers.js';
import {
  applyHalves,
  applyLookedUp,
  applyPairs,
  applyPairsInFloat32,
  applyPairsRaised,
  applyPartialPairs,
  applyPartialRotary,
  applyPartialRotaryJoined,
  applyRotaryLowered,
} from '../modules/rotary.js';
import type { LlamaConfig, Variant } from './llama-variant.js';
import {
  deepSeekAttention,
  deepSeekV2Attention,
  llama4Attention,
  llama4Turns,
  turningSize,
} from './llama-attentions.js';
import {
  deepSeekMixture,
  deepSeekV2Mixture,
  glmMixture,
  gptOssMixture,
  graniteMixture,
  graniteShared,
  llama4Mixture,
  mixtral,
  olmoeMixture,
  phiMixture,
  qwen2Mixture,
  qwen3Mixture,
} from './llama-mixtures.js';

const usesWindow = (config: ConfigReader): boolean => config.flag('use_sliding_window', false);
const always = (): true => true;

/** Every n-th layer sees everything, the others a window. */
const everyNthFull =
  (name: string, fallback: number): Variant['slidingLayers'] =>
  (layer, config) => {
    const period = config.size(name, fallback);
    return period > 0 && (layer + 1) % period !== 0;
  };

const SANDWICH: LlamaConfig['norms'] = {
  beforeAttention: 'input_layernorm',
  afterAttention: 'post_attention_layernorm',
  beforeFeed: 'pre_feedforward_layernorm',
  afterFeed: 'post_feedforward_layernorm',
};
const NORMS_AFTER: LlamaConfig['norms'] = {
  afterAttention: 'post_attention_layernorm',
  afterFeed: 'post_feedforward_layernorm',
};

const gemma: Variant = {
  norm: gemmaNormLayer,
  scales: { embeddings: 'after-rotary' },
  tied: true,
  act: 'gelu_pytorch_tanh',
};

/** OLMo keeps its table of angles in fp32. */
const olmo: Variant = {
  norm: bareNormLayer,
  rotation: applyRotaryLowered,
  tableOptions: { inFloat32: true },
  viewsLate: true,
};
const olmo2: Variant = { ...olmo, norm: lateCastNormLayer, norms: NORMS_AFTER, headNorms: () => 'flat' };

const cohere: Variant = {
  norm: cohereNormLayer,
  norms: { beforeAttention: 'input_layernorm' },
  parallel: true,
  rotation: applyPairsInFloat32,
  tableOptions: { interleaved: true },
  scales: { logits: true },
  tied: true,
};

const llama4: Variant = {
  norm: weightLastNormLayer,
  attention: llama4Attention,
  tableOptions: { complex: true },
  chunked: true,
  slidingLayers: (layer, config) => llama4Turns(config)(layer),
  keepsAttended: true,
  oneNameForExtras: true,
  feed: llama4Mixture,
};

const GRANITE: Variant = { scales: { embeddings: 'before-mask', residual: true, logits: true } };
const graniteMoe: Variant = { ...GRANITE, viewsLate: true, olderMask: true, raisesLogits: true, feed: graniteMixture };

const residualDropout = (config: ConfigReader): number => config.number('residual_dropout', 0.1);

/** Half of each head turns, neighbours as pairs. */
const glm: Variant = {
  rotation: applyPartialPairs,
  angleSize: (config, headSize) => Math.floor(headSize * config.number('partial_rotary_factor', 0.5)),
  queryKeyValueBias: true,
  outputBias: () => false,
  feed: (_, sizes) => denseFeed('mlp', fusedFeedForward, { ...sizes, bias: false }),
};

const deepSeek: Variant = { attention: deepSeekAttention, angleSize: turningSize, feed: deepSeekMixture };

const partOfHead =
  (fallback: number): Variant['angleSize'] =>
  (config, headSize) =>
    Math.floor(headSize * config.number('partial_rotary_factor', fallback));

/** Model types that are decoders of Llama's kind, and what each does differently. */
export const VARIANTS: Readonly<Record<string, Variant>> = {
  llama: {},
  mistral: { slides: always },
  ministral: { slides: always, slidingLayers: always },
  qwen2: { queryKeyValueBias: true, slides: usesWindow, outputBias: () => false },
  qwen3: { headNorms: () => 'each', slides: usesWindow },
  gemma,
  gemma2: { ...gemma, norms: SANDWICH, slides: always, slidingLayers: (layer) => layer % 2 === 0 },
  gemma3_text: {
    ...gemma,
    norms: SANDWICH,
    headNorms: () => 'together',
    scales: { embeddings: 'by-tensor' },
    slides: always,
    slidingLayers: everyNthFull('sliding_window_pattern', 6),
    tables: [
      { path: 'rotary_emb', of: 'far' },
      { path: 'rotary_emb_local', of: 'near' },
    ],
    passesAll: true,
  },
  granite: GRANITE,
  granitemoe: graniteMoe,
  granitemoeshared: { ...graniteMoe, beside: graniteShared },
  mixtral: { slides: always, feed: mixtral },
  qwen3_moe: { headNorms: () => 'each', slides: usesWindow, feed: qwen3Mixture },
  qwen2_moe: {
    older: true,
    ownAngles: true,
    viewsLate: true,
    queryKeyValueBias: true,
    outputBias: () => false,
    slides: usesWindow,
    feed: qwen2Mixture,
  },
  olmoe: { older: true, viewsLate: true, headNorms: () => 'flat', feed: olmoeMixture },
  olmo,
  olmo2,
  olmo3: {
    ...olmo2,
    slides: always,
    slidingLayers: everyNthFull('sliding_window_pattern', 4),
    tables: [
      { path: 'rotary_embs.sliding_attention', of: 'near' },
      { path: 'rotary_embs.full_attention', of: 'far' },
    ],
  },
  cohere: {
    ...cohere,
    headNorms: (config) => (config.flag('use_qk_norm', config.has('qk_norm')) ? 'untransposed' : null),
  },
  cohere2: {
    ...cohere,
    slides: always,
    slidingLayers: everyNthFull('sliding_window_pattern', 4),
    turns: (layer, config) => !config.has('sliding_window') || slidesAt(layer, config, 4),
  },
  glm,
  glm4: {
    ...glm,
    norms: {
      beforeAttention: 'input_layernorm',
      beforeFeed: 'post_attention_layernorm',
      afterAttention: 'post_self_attn_layernorm',
      afterFeed: 'post_mlp_layernorm',
    },
  },
  smollm3: {
    slides: usesWindow,
    tied: true,
    turns: (layer, config) => (layer + 1) % config.size('no_rope_layer_interval', 4) !== 0,
  },
  ernie4_5: { rotation: applyPairsRaised, tableOptions: { inFloat32: true }, tied: true },
  exaone4: {
    headNorms: () => 'together',
    norms: NORMS_AFTER,
    slides: always,
    slidingLayers: everyNthFull('sliding_window_pattern', 4),
    turns: (layer, config) => !config.has('sliding_window') || slidesAt(layer, config, 4),
  },
  seed_oss: {
    queryKeyValueBias: true,
    outputBias: (config) => config.flag('attention_out_bias', false),
    residualDropout,
    feed: (config, sizes) => denseFeed('mlp', gatedFeedForward, { ...sizes, dropout: residualDropout(config) }),
  },
  deepseek_v3: deepSeek,
  deepseek_v2: {
    attention: deepSeekV2Attention,
    angleSize: turningSize,
    tableOptions: { complex: true },
    feed: deepSeekV2Mixture,
  },
  kimi_k2: deepSeek,
  glm4_moe: {
    headNorms: (config) => (config.flag('use_qk_norm', config.has('qk_norm')) ? 'viewed' : null),
    rotation: applyPartialRotary,
    angleSize: partOfHead(0.5),
    outputBias: () => false,
    feed: glmMixture,
  },
  helium: { norm: raisedWeightNormLayer, rotation: applyPairs, outputBias: () => false },
  hunyuan_v1_dense: { headNorms: () => 'turned' },
  phimoe: {
    older: true,
    viewsLate: true,
    norm: plainNormLayer,
    rotation: applyLookedUp,
    madeTable: true,
    slidingMask: (config) => ({ window: config.optionalSize('sliding_window') }),
    feed: phiMixture,
  },
  llama4,
  llama4_text: llama4,
  gpt_oss: {
    sinks: true,
    oneNameForExtras: true,
    norm: lateCastNormLayer,
    queryKeyValueBias: true,
    outputBias: () => true,
    rotation: applyHalves,
    tableOptions: { once: true },
    slides: always,
    slidingLayers: (layer) => layer % 2 === 0,
    feed: gptOssMixture,
  },
  dots1: { headNorms: () => 'each', slides: usesWindow, feed: deepSeekMixture },
  nemotron: {
    norm: onePlusNormLayer,
    act: 'relu2',
    viewsLate: true,
    older: true,
    rotation: applyPartialRotaryJoined,
    angleSize: partOfHead(0.5),
    feed: (_, sizes) => denseFeed('mlp', plainFeedForward, sizes),
  },
  arcee: { act: 'relu2', feed: (_, sizes) => denseFeed('mlp', plainFeedForward, sizes) },
};

/** Whether a layer has a window, by `layer_types` or by the period. */
function slidesAt(layer: number, config: ConfigReader, period: number): boolean {
  const types = config.texts('layer_types');
  if (types.length > 0) return types[layer] === 'sliding_attention';
  return everyNthFull('sliding_window_pattern', period)!(layer, config);
}
