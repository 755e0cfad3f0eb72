import type { Json } from '../../workload/workload.js';
import type { Options } from '../options/option.js';
import { asCount } from '../options/option.js';

/** megatron/training/arguments.py: switches that bear on memory; the others stand for themselves when the next word is a flag. */
export const MEGATRON_SWITCHES: ReadonlySet<string> = new Set([
  'bf16',
  'fp16',
  'swiglu',
  'group_query_attention',
  'untie_embeddings_and_output_weights',
  'disable_bias_linear',
  'add_qkv_bias',
  'qk_layernorm',
  'multi_latent_attention',
  'attention_softmax_in_fp32',
  'apply_query_key_layer_scaling',
  'no_masked_softmax_fusion',
  'sequence_parallel',
  'use_distributed_optimizer',
  'recompute_activations',
  'use_flash_attn',
  'use_mcore_models',
  'use_rotary_position_embeddings',
  'overlap_grad_reduce',
  'overlap_param_gather',
  'use_torch_fsdp2',
  'optimizer_cpu_offload',
  'mock_data',
]);

/** Sizes and the field of a configuration that each is. */
const DIMENSIONS: readonly (readonly [string, string])[] = [
  ['num_layers', 'num_hidden_layers'],
  ['hidden_size', 'hidden_size'],
  ['num_attention_heads', 'num_attention_heads'],
  ['ffn_hidden_size', 'intermediate_size'],
  ['max_position_embeddings', 'max_position_embeddings'],
  ['vocab_size', 'vocab_size'],
  ['num_query_groups', 'num_key_value_heads'],
  ['kv_channels', 'head_dim'],
  ['make_vocab_size_divisible_by', 'make_vocab_size_divisible_by'],
  ['num_experts', 'num_experts'],
  ['moe_router_topk', 'num_experts_per_tok'],
  ['moe_ffn_hidden_size', 'moe_intermediate_size'],
  ['moe_shared_expert_intermediate_size', 'shared_expert_intermediate_size'],
  ['expert_tensor_parallel_size', 'expert_tensor_parallel_size'],
];

const REQUIRED: ReadonlySet<string> = new Set(['num_layers', 'hidden_size', 'num_attention_heads']);

/** Rows of GPT-2's vocabulary file, which most examples train with. */
const GPT2_VOCABULARY = 50257;

/**
 * The architecture that Megatron's command line describes, in the terms of a configuration. `missing` is told of each
 * dimension that is not given or cannot be read.
 */
export function megatronConfig(options: Options, missing: (flag: string) => void): Record<string, Json> {
  const isLlama = options.has('swiglu') || options.has('use_rotary_position_embeddings');
  const config: Record<string, Json> = {
    model_type: isLlama ? 'llama' : 'gpt2',
    tie_word_embeddings: !options.has('untie_embeddings_and_output_weights'),
  };
  for (const [flag, key] of DIMENSIONS) {
    const option = options.find(flag);
    const value = asCount(option);
    if (value !== undefined) config[key] = value;
    else if (option || REQUIRED.has(flag)) missing(flag);
  }
  addDerivedSizes(config, options);
  addKinds(config, options);
  return config;
}

/** Without `--ffn-hidden-size` 4 × hidden, with SwiGLU two thirds of that in steps of 64; GPT-2's vocabulary of its file. */
function addDerivedSizes(config: Record<string, Json>, options: Options): void {
  const hidden = config['hidden_size'];
  if (typeof hidden === 'number' && config['intermediate_size'] === undefined)
    config['intermediate_size'] = options.has('swiglu') ? Math.floor((4 * hidden * 2) / 3 / 64) * 64 : 4 * hidden;
  if (!options.has('group_query_attention')) delete config['num_key_value_heads'];
  if (config['model_type'] === 'gpt2') nameAsGpt2(config);
  config['vocab_size'] ??= GPT2_VOCABULARY;
}

/** GPT-2's own names of the sizes, as its config.json has them. */
function nameAsGpt2(config: Record<string, Json>): void {
  const names = {
    num_hidden_layers: 'n_layer',
    hidden_size: 'n_embd',
    num_attention_heads: 'n_head',
    max_position_embeddings: 'n_positions',
    intermediate_size: 'n_inner',
  };
  for (const [name, own] of Object.entries(names)) if (config[name] !== undefined) config[own] = config[name];
}

/** Words that choose between kinds of modules, as they are. */
const WORDS = ['position_embedding_type', 'normalization', 'transformer_impl'] as const;

function addKinds(config: Record<string, Json>, options: Options): void {
  const rotary = options.has('use_rotary_position_embeddings') ? 'rope' : 'learned_absolute';
  Object.assign(config, { normalization: 'LayerNorm', position_embedding_type: rotary, ...wordsOf(options) });
  const bias = !options.has('disable_bias_linear');
  const unfused = config['transformer_impl'] === 'local' || options.find('attention_backend')?.value === 'unfused';
  Object.assign(config, {
    swiglu: options.has('swiglu'),
    add_bias_linear: bias,
    add_qkv_bias: bias || options.has('add_qkv_bias'),
    qk_layernorm: options.has('qk_layernorm'),
    fused_attention: !unfused,
    masked_softmax_fusion: !options.has('no_masked_softmax_fusion'),
  });
  for (const name of ['hidden_dropout', 'attention_dropout']) {
    const value = Number(options.find(name)?.value ?? DEFAULT_DROPOUT);
    if (Number.isFinite(value)) config[name] = value;
  }
}

function wordsOf(options: Options): Record<string, Json> {
  return Object.fromEntries(
    WORDS.flatMap((name) => {
      const value = options.find(name)?.value;
      return typeof value === 'string' ? [[name, value]] : [];
    }),
  );
}

const DEFAULT_DROPOUT = 0.1;
