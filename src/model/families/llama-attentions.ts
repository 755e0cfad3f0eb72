import type { ConfigReader } from '../config-reader.js';
import type { AttentionPart } from '../modules/decoder-attention.js';
import { latentAttention } from '../modules/latent-attention.js';
import type { Rotation } from '../modules/rotary.js';
import { applyComplexToHeads, applyRotary, applyUnfoldedPairs } from '../modules/rotary.js';
import { temperedAttention } from '../modules/tempered-attention.js';
import type { DecoderSizes } from './llama-variant.js';

/** DeepSeek's, whose queries and keys have a part that turns and one that does not. */
export const deepSeekAttention = (config: ConfigReader, sizes: DecoderSizes): AttentionPart =>
  latentAttentionOf(config, sizes, config.flag('rope_interleave', true) ? applyUnfoldedPairs : applyRotary);

/** DeepSeek V2's, which turns complex numbers. */
export const deepSeekV2Attention = (config: ConfigReader, sizes: DecoderSizes): AttentionPart =>
  latentAttentionOf(config, sizes, applyComplexToHeads);

function latentAttentionOf(
  config: ConfigReader,
  { hidden, heads, norm }: DecoderSizes,
  rotation: Rotation,
): AttentionPart {
  const options = {
    hidden,
    heads,
    queryRank: config.optionalSize('q_lora_rank'),
    keyValueRank: config.size('kv_lora_rank'),
    still: config.size('qk_nope_head_dim'),
    turning: config.size('qk_rope_head_dim'),
    valueSize: config.size('v_head_dim'),
    bias: config.flag('attention_bias', false),
    dropout: config.number('attention_dropout', 0),
    norm,
    rotation,
  };
  return (scope) => latentAttention(scope, options);
}

/** Llama 4's: complex numbers turn, perhaps a norm after it, and queries without positions grow with theirs. */
export function llama4Attention(config: ConfigReader, sizes: DecoderSizes): AttentionPart {
  const turns = llama4Turns(config);
  const options = {
    ...sizes,
    bias: config.flag('attention_bias', false),
    norms: config.flag('use_qk_norm', true),
    tempered: config.flag('attn_temperature_tuning', true),
    dropout: config.number('attention_dropout', 0),
  };
  return (scope, layer) => temperedAttention(scope, { ...options, turns: turns(layer) });
}

/** Which layers have positions: `no_rope_layers` says 1 for those that do; else all but every n-th. */
export function llama4Turns(config: ConfigReader): (layer: number) => boolean {
  const listed = config.numbers('no_rope_layers');
  const period = config.size('no_rope_layer_interval', 4);
  return (layer) => (listed.length > 0 ? listed[layer] === 1 : (layer + 1) % period !== 0);
}

/** The part of a head that turns in DeepSeek's attention. */
export const turningSize = (config: ConfigReader): number => config.size('qk_rope_head_dim');
