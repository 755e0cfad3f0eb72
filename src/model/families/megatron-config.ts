import { ConfigReader } from '../config-reader.js';
import type { RankView } from '../rank-view.js';
import type { ResolvedModel } from '../resolved-model.js';

/** Dimensions and options of a Megatron-core decoder, by what its command line says. */
export interface MegatronConfig {
  view: RankView;
  layers: number;
  hidden: number;
  intermediate: number;
  heads: number;
  groups: number;
  headSize: number;
  /** Rows of the word table, padded so that every rank has as many. */
  vocabulary: number;
  /** Learned positions; null: rotary ones. */
  positions: number | null;
  tied: boolean;
  bias: boolean;
  queryKeyValueBias: boolean;
  gated: boolean;
  normalisation: 'LayerNorm' | 'RMSNorm';
  queryKeyNorms: boolean;
  /** Experts in place of the feed-forward part; null: a dense one. */
  mixture: MegatronMixture | null;
  hiddenDropout: number;
  attentionDropout: number;
  /** Whether attention is one kernel, or products with the scores between them. */
  fusedAttention: boolean;
  /** Whether scaling, mask and softmax are one kernel. */
  fusedSoftmax: boolean;
}

export interface MegatronMixture {
  experts: number;
  perToken: number;
  intermediate: number;
  /** Width of the feed-forward part that every token passes; 0: none. */
  shared: number;
  /** Ranks that each expert is split over. */
  tensor: number;
  /** Layers at the beginning that have no experts. */
  denseLayers: number;
}

/** megatron/training/arguments.py: rows of the word table are a multiple of this for each rank. */
const VOCABULARY_MULTIPLE = 128;

/** Model types that are GPT's kind: learned positions, layer norms, biases, GELU, tied head; others are Llama's kind. */
const GPT_TYPES: ReadonlySet<string> = new Set(['gpt2', 'megatron_gpt', 'opt', 'gpt_neox']);

/** Reads a configuration in the terms of Megatron's arguments or of Hugging Face's; throws where a dimension is missing. */
export function readMegatron(model: ResolvedModel, view: RankView): MegatronConfig {
  const config = new ConfigReader(model);
  const isGpt = GPT_TYPES.has(model.modelType);
  const hidden = config.size(['hidden_size', 'n_embd']);
  const heads = config.size(['num_attention_heads', 'n_head']);
  const rotary = config.text('position_embedding_type', isGpt ? 'learned_absolute' : 'rope') === 'rope';
  const multiple = config.size('make_vocab_size_divisible_by', VOCABULARY_MULTIPLE) * view.tensor;
  const bias = config.flag('add_bias_linear', isGpt);
  return {
    view,
    layers: config.size(['num_hidden_layers', 'n_layer']),
    hidden,
    heads,
    intermediate: config.size(['intermediate_size', 'n_inner'], 4 * hidden),
    groups: config.size('num_key_value_heads', heads),
    headSize: config.size('head_dim', Math.floor(hidden / heads)),
    vocabulary: Math.ceil(config.size('vocab_size') / multiple) * multiple,
    positions: rotary ? null : config.size(['max_position_embeddings', 'n_positions'], 1024),
    tied: config.flag('tie_word_embeddings', isGpt),
    bias,
    queryKeyValueBias: config.flag('add_qkv_bias', bias || model.modelType === 'qwen2'),
    gated: config.flag('swiglu', !isGpt),
    normalisation:
      config.text('normalization', isGpt ? 'LayerNorm' : 'RMSNorm') === 'RMSNorm' ? 'RMSNorm' : 'LayerNorm',
    queryKeyNorms: config.flag('qk_layernorm', /qwen3/.test(model.modelType)),
    mixture: readMixture(config),
    hiddenDropout: config.number('hidden_dropout', isGpt ? 0.1 : 0),
    attentionDropout: config.number('attention_dropout', isGpt ? 0.1 : 0),
    fusedAttention: config.flag('fused_attention', true),
    fusedSoftmax: config.flag('masked_softmax_fusion', true),
  };
}

function readMixture(config: ConfigReader): MegatronMixture | null {
  const experts = config.size(['num_experts', 'num_local_experts', 'n_routed_experts'], 0);
  if (experts === 0) return null;
  return {
    experts,
    perToken: config.size('num_experts_per_tok', 2),
    intermediate: config.size(['moe_intermediate_size', 'intermediate_size']),
    shared: config.size(['shared_expert_intermediate_size', 'moe_shared_expert_intermediate_size'], 0),
    tensor: config.size('expert_tensor_parallel_size', 1),
    denseLayers: config.size('first_k_dense_replace', 0),
  };
}
