import { ConfigReader } from '../config-reader.js';
import { activation } from '../modules/activations.js';
import type { AttentionPart, DecoderAttention } from '../modules/decoder-attention.js';
import { decoderAttention } from '../modules/decoder-attention.js';
import { denseFeed, gatedFeedForward } from '../modules/feed-forward.js';
import { rmsNormLayer } from '../modules/norm-layers.js';
import { applyRotary } from '../modules/rotary.js';
import type { ResolvedModel } from '../resolved-model.js';
import type { DecoderSizes, LlamaConfig, Variant } from './llama-variant.js';
import { VARIANTS } from './llama-variants.js';

/** What holds where a variant says nothing: Llama's own way. */
const PLAIN = {
  headNorms: () => null,
  viewsLate: false,
  older: false,
  olderMask: false,
  slidingMask: () => null,
  madeTable: false,
  ownAngles: false,
  sinks: false,
  slides: () => false,
  slidingLayers: () => true,
  norm: rmsNormLayer,
  norms: { beforeAttention: 'input_layernorm', beforeFeed: 'post_attention_layernorm' },
  parallel: false,
  oneNameForExtras: false,
  keepsAttended: false,
  chunked: false,
  scales: {},
  raisesLogits: false,
  tied: false,
  headBias: () => false,
  act: 'silu',
  rotation: applyRotary,
  turns: () => true,
  angleSize: (_: ConfigReader, headSize: number) => headSize,
  tables: [{ path: 'rotary_emb', of: 'all' }],
  tableOptions: {},
  passesAll: false,
  residualDropout: () => 0,
  beside: () => null,
  feed: (_: ConfigReader, sizes: DecoderSizes) => denseFeed('mlp', gatedFeedForward, sizes),
} satisfies Variant;

type Whole = Variant & Required<Omit<Variant, 'queryKeyValueBias' | 'outputBias' | 'attention'>>;

const UNSCALED: LlamaConfig['scales'] = { embeddings: false, residual: false, logits: false };

function windowOf(config: ConfigReader, variant: Whole): number | null {
  if (variant.chunked) return config.size('attention_chunk_size', 8192);
  return variant.slides(config) ? config.optionalSize('sliding_window') : null;
}

/** Whether a layer slides: as `layer_types` says, else as the model type has it. */
function sliding(config: ConfigReader, variant: Whole): LlamaConfig['slides'] {
  const types = config.texts('layer_types');
  if (types.length > 0)
    return (layer) => types[layer] === (variant.chunked ? 'chunked_attention' : 'sliding_attention');
  return (layer) => variant.slidingLayers(layer, config);
}

function attentionOptions(config: ConfigReader, variant: Whole, sizes: DecoderSizes): DecoderAttention {
  const bias = config.flag('attention_bias', variant.queryKeyValueBias ?? false);
  const outputBias = variant.outputBias?.(config) ?? config.flag('attention_bias', false);
  return {
    ...sizes,
    queryKeyValueBias: config.flag('qkv_bias', variant.queryKeyValueBias ?? bias),
    outputBias: config.flag('o_bias', outputBias),
    headNorms: variant.headNorms(config),
    viewsLate: variant.viewsLate,
    repeats: variant.older,
    ownAngles: variant.ownAngles,
    sinks: variant.sinks,
    rotation: variant.rotation,
    turns: (layer) => variant.turns(layer, config),
    softCap: config.has('attn_logit_softcapping'),
    dropout: config.number('attention_dropout', 0),
    residualDropout: variant.residualDropout(config),
  };
}

function attentionOf(config: ConfigReader, variant: Whole, sizes: DecoderSizes): AttentionPart {
  if (variant.attention) return variant.attention(config, sizes);
  const options = attentionOptions(config, variant, sizes);
  return (scope, layer) => decoderAttention(scope, layer, options);
}

function sizesOf(config: ConfigReader, variant: Whole): DecoderSizes {
  const hidden = config.size('hidden_size');
  const heads = config.size('num_attention_heads');
  return {
    layers: config.size('num_hidden_layers'),
    hidden,
    intermediate: config.size('intermediate_size'),
    heads,
    keyValueHeads: config.size('num_key_value_heads', heads),
    headSize: config.size('head_dim', Math.floor(hidden / heads)),
    bias: config.flag(['mlp_bias', 'use_bias'], false),
    act: activation(config.text(['hidden_activation', 'hidden_act'], variant.act)),
    norm: variant.norm,
  };
}

/** Dimensions of a decoder of Llama's kind, for libraries that write it in their own way. */
export function readDecoderSizes(
  model: ResolvedModel,
): DecoderSizes & DecoderAttention & { vocabulary: number; tied: boolean } {
  const config = new ConfigReader(model);
  const variant: Whole = { ...PLAIN, ...VARIANTS[model.modelType] };
  const sizes = sizesOf(config, variant);
  const vocabulary = config.size('vocab_size');
  const tied = config.flag('tie_word_embeddings', variant.tied);
  return { ...sizes, ...attentionOptions(config, variant, sizes), vocabulary, tied };
}

/** Reads a configuration; throws UnsupportedModel where a dimension is missing. */
export function readLlama(model: ResolvedModel): LlamaConfig {
  const config = new ConfigReader(model);
  const variant: Whole = { ...PLAIN, ...VARIANTS[model.modelType] };
  const sizes = sizesOf(config, variant);
  return {
    layers: sizes.layers,
    hidden: sizes.hidden,
    vocabulary: config.size('vocab_size'),
    tied: config.flag('tie_word_embeddings', variant.tied),
    headBias: config.flag('lm_head_bias', variant.headBias(config)),
    norm: variant.norm,
    norms: variant.norms,
    parallel: variant.parallel,
    oneNameForExtras: variant.oneNameForExtras,
    keepsAttended: variant.keepsAttended,
    chunked: variant.chunked,
    olderMask: variant.older || variant.olderMask,
    slidingMask: variant.slidingMask(config),
    madeTable: variant.madeTable,
    eagerForSdpa: variant.sinks,
    attention: attentionOf(config, variant, sizes),
    feed: variant.feed(config, sizes),
    beside: variant.beside(config, sizes),
    angles: {
      size: variant.angleSize(config, sizes.headSize),
      tables: variant.tables,
      options: variant.tableOptions,
      passesAll: variant.passesAll,
    },
    slidingWindow: windowOf(config, variant),
    slides: sliding(config, variant),
    scales: { ...UNSCALED, ...variant.scales },
    raisesLogits: variant.raisesLogits,
    softCaps: { attention: config.has('attn_logit_softcapping'), logits: config.has('final_logit_softcapping') },
  };
}
