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

/** How the arguments of a model type's command line differ from Llama's. */
interface MegatronKind {
  learnedPositions?: boolean;
  normalisation?: 'LayerNorm' | 'RMSNorm';
  bias?: boolean;
  queryKeyValueBias?: boolean;
  queryKeyNorms?: boolean;
  gated?: boolean;
  tied?: boolean;
  dropout?: number;
}

const GPT: MegatronKind = {
  learnedPositions: true,
  normalisation: 'LayerNorm',
  bias: true,
  gated: false,
  tied: true,
  dropout: 0.1,
};
const LLAMA: MegatronKind = {};
const GEMMA: MegatronKind = { tied: true };

/** Model types that Megatron's GPT model can be told to be, and how (megatron/training/arguments.py, NeMo's and Megatron-Bridge's recipes). */
const KINDS = {
  gpt2: GPT,
  megatron_gpt: GPT,
  opt: GPT,
  gpt_neox: { ...GPT, learnedPositions: false, tied: false, dropout: 0 },
  starcoder2: { ...GPT, learnedPositions: false, dropout: 0 },
  nemotron: { normalisation: 'LayerNorm', gated: false },
  llama: LLAMA,
  mistral: LLAMA,
  ministral: LLAMA,
  mixtral: LLAMA,
  granite: LLAMA,
  phi3: LLAMA,
  olmo2: { queryKeyNorms: true },
  olmoe: { queryKeyNorms: true },
  qwen2: { queryKeyValueBias: true },
  qwen2_moe: { queryKeyValueBias: true },
  qwen3: { queryKeyNorms: true },
  qwen3_moe: { queryKeyNorms: true },
  seed_oss: { queryKeyValueBias: true },
  glm4: { queryKeyValueBias: true },
  glm4_moe: { queryKeyValueBias: true },
  gemma: GEMMA,
  gemma2: GEMMA,
  gemma3_text: { ...GEMMA, queryKeyNorms: true },
  gemma4: { ...GEMMA, queryKeyNorms: true },
} satisfies Readonly<Record<string, MegatronKind>>;

/** Model types that Megatron trains, in the table's order. */
export const MEGATRON_TYPES: readonly string[] = Object.keys(KINDS);

/** What kinds are unless they say otherwise. */
const USUAL: Required<MegatronKind> = {
  learnedPositions: false,
  bias: false,
  dropout: 0,
  tied: false,
  queryKeyValueBias: false,
  gated: true,
  normalisation: 'RMSNorm',
  queryKeyNorms: false,
};

const kindOf = (modelType: string): Required<MegatronKind> => ({
  ...USUAL,
  ...(Object.hasOwn(KINDS, modelType) ? KINDS[modelType as keyof typeof KINDS] : LLAMA),
});

/** Reads a configuration in the terms of Megatron's arguments or of Hugging Face's; throws where a dimension is missing. */
export function readMegatron(model: ResolvedModel, view: RankView): MegatronConfig {
  const config = new ConfigReader(model);
  const kind = kindOf(model.modelType);
  const hidden = config.size(['hidden_size', 'n_embd']);
  const heads = config.size(['num_attention_heads', 'n_head']);
  const rotary = config.text('position_embedding_type', kind.learnedPositions ? 'learned_absolute' : 'rope') === 'rope';
  const multiple = config.size('make_vocab_size_divisible_by', VOCABULARY_MULTIPLE) * view.tensor;
  const bias = config.flag('add_bias_linear', kind.bias);
  const { dropout } = kind;
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
    tied: config.flag('tie_word_embeddings', kind.tied),
    bias,
    queryKeyValueBias: config.flag('add_qkv_bias', bias || kind.queryKeyValueBias),
    gated: config.flag('swiglu', kind.gated),
    normalisation: config.text('normalization', kind.normalisation) === 'RMSNorm' ? 'RMSNorm' : 'LayerNorm',
    queryKeyNorms: config.flag('qk_layernorm', kind.queryKeyNorms),
    mixture: readMixture(config),
    hiddenDropout: config.number('hidden_dropout', dropout),
    attentionDropout: config.number('attention_dropout', dropout),
    fusedAttention: config.flag('fused_attention', true),
    fusedSoftmax: config.flag('masked_softmax_fusion', true),
  };
}

/** Width of what every token passes: one shared expert, several, or Gemma 4's dense part beside the experts. */
function sharedWidth(config: ConfigReader): number {
  if (config.has('top_k_experts')) return config.size('intermediate_size', 0);
  const several = config.size('n_shared_experts', 0) * config.size('moe_intermediate_size', 0);
  return config.size(['shared_expert_intermediate_size', 'moe_shared_expert_intermediate_size'], several);
}

function readMixture(config: ConfigReader): MegatronMixture | null {
  const experts = config.size(['num_experts', 'num_local_experts', 'n_routed_experts'], 0);
  if (experts === 0) return null;
  return {
    experts,
    perToken: config.size(['num_experts_per_tok', 'top_k_experts'], 2),
    intermediate: config.size(['moe_intermediate_size', 'intermediate_size']),
    shared: sharedWidth(config),
    tensor: config.size('expert_tensor_parallel_size', 1),
    denseLayers: config.size('first_k_dense_replace', 0),
  };
}
