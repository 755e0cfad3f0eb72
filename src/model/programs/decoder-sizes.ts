import { ConfigReader } from '../config-reader.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import type { ResolvedModel } from '../resolved-model.js';

/** What programs with model code of their own read off the configuration of a decoder of Llama's kind. */
export interface DecoderSizes {
  layers: number;
  hidden: number;
  intermediate: number;
  heads: number;
  keyValueHeads: number;
  headSize: number;
  vocabulary: number;
  /** Longest sequence that the model is made for. */
  positions: number;
  tied: boolean;
  queryKeyValueBias: boolean;
  outputBias: boolean;
  headNorms: boolean;
  act: Activation;
}

/** Reads a configuration; throws UnsupportedModel where a dimension is missing. */
export function readDecoderSizes(model: ResolvedModel): DecoderSizes {
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
    positions: config.size('max_position_embeddings', 2048),
    tied: config.flag('tie_word_embeddings', model.modelType.startsWith('gemma')),
    queryKeyValueBias: config.flag('qkv_bias', model.modelType === 'qwen2' || attentionBias),
    outputBias: config.flag('o_bias', attentionBias && model.modelType !== 'qwen2'),
    headNorms: model.modelType === 'qwen3',
    act: activation(config.text(['hidden_activation', 'hidden_act'], 'silu')),
  };
}
