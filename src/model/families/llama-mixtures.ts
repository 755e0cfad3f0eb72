import type { ConfigReader } from '../config-reader.js';
import type { FeedPart } from '../modules/feed-forward.js';
import { mixtureOfExperts } from '../modules/mixture-of-experts.js';
import type { DecoderSizes } from './llama-variant.js';

/** Mixtral's: experts in every layer, the weights of those chosen made to sum to one. */
export function mixtral(config: ConfigReader, { hidden, intermediate, act }: DecoderSizes): FeedPart {
  const sizes = {
    hidden,
    act,
    intermediate,
    experts: config.size(['num_local_experts', 'num_experts'], 8),
    perToken: config.size('num_experts_per_tok', 2),
    normalises: true,
    names: [
      ['gate', 'w1'],
      ['down', 'w2'],
      ['up', 'w3'],
    ] as const,
  };
  return (scope) => mixtureOfExperts(scope.child('block_sparse_moe'), sizes);
}

const GATED_NAMES = [
  ['gate', 'gate_proj'],
  ['up', 'up_proj'],
  ['down', 'down_proj'],
] as const;

/** Qwen3's: smaller experts, no dense layers in the models that were released. */
export function qwen3Mixture(config: ConfigReader, { hidden, act }: DecoderSizes): FeedPart {
  const sizes = {
    hidden,
    act,
    intermediate: config.size('moe_intermediate_size'),
    experts: config.size(['num_experts', 'num_local_experts']),
    perToken: config.size('num_experts_per_tok', 8),
    normalises: config.flag('norm_topk_prob', true),
    names: GATED_NAMES,
  };
  return (scope) => mixtureOfExperts(scope.child('mlp'), sizes);
}
