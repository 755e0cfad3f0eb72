import type { ConfigReader } from '../config-reader.js';
import type { DType } from '../dtype.js';
import { float32 } from '../dtype.js';
import { sigmoidSelection, softmaxSelection } from '../modules/expert-selection.js';
import type { Scope } from '../module-tree.js';
import type { FeedPart } from '../modules/feed-forward.js';
import { batchedExperts } from '../modules/batched-experts.js';
import { denseFeed, gatedFeedForward } from '../modules/feed-forward.js';
import { sparseMixer } from '../modules/sparse-mixer.js';
import type { MixtureSizes } from '../modules/mixture-of-experts.js';
import { mixtureOfExperts } from '../modules/mixture-of-experts.js';
import { chunkedFeedForward, parallelExperts } from '../modules/parallel-experts.js';
import type { Step } from '../modules/sequential.js';
import { sharedMixture } from '../modules/shared-mixture.js';
import { sortedExperts } from '../modules/sorted-experts.js';
import { stackedExperts } from '../modules/stacked-experts.js';
import type { DecoderSizes } from './llama-variant.js';

/** Mixtral's: experts in every layer, the weights of those chosen made to sum to one. */
export function mixtral(config: ConfigReader, sizes: DecoderSizes): FeedPart {
  const mixture = mixtralSizes(config, sizes);
  return (scope) => mixtureOfExperts(scope.child('block_sparse_moe'), mixture);
}

/** Phi-3.5's: Mixtral's experts, two for each token, drawn with noise. */
export function phiMixture(config: ConfigReader, sizes: DecoderSizes): FeedPart {
  const mixture = { ...mixtralSizes(config, sizes), perToken: 2, findsHits: false, choose: sparseMixer };
  return (scope) => mixtureOfExperts(scope.child('block_sparse_moe'), mixture);
}

function mixtralSizes(config: ConfigReader, { hidden, intermediate, act }: DecoderSizes): MixtureSizes {
  return {
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
    ],
  };
}

const GATED_NAMES = [
  ['gate', 'gate_proj'],
  ['up', 'up_proj'],
  ['down', 'down_proj'],
] as const;

/** Which layers of Qwen2's and Qwen3's mixtures have experts (`decoder_sparse_step`, `mlp_only_layers`). */
function sparseLayers(config: ConfigReader): (layer: number) => boolean {
  const period = config.size('decoder_sparse_step', 1);
  const dense = new Set(config.numbers('mlp_only_layers'));
  return (layer) => !dense.has(layer) && (layer + 1) % period === 0;
}

/** Qwen2's: small experts, and a larger one that every token goes to. */
export function qwen2Mixture(config: ConfigReader, sizes: DecoderSizes): FeedPart {
  const { hidden, act } = sizes;
  const mixture = {
    hidden,
    act,
    intermediate: config.size('moe_intermediate_size'),
    experts: config.size(['num_experts', 'num_local_experts']),
    perToken: config.size('num_experts_per_tok', 4),
    normalises: config.flag('norm_topk_prob', false),
    shared: config.size('shared_expert_intermediate_size'),
    names: GATED_NAMES,
  };
  const sparse = sparseLayers(config);
  const dense = denseFeed('mlp', gatedFeedForward, sizes);
  return (scope, layer) => (sparse(layer) ? mixtureOfExperts(scope.child('mlp'), mixture) : dense(scope, layer));
}

/** Llama 4's: experts in every n-th layer, beside one that every token goes to; wider dense layers between. */
export function llama4Mixture(config: ConfigReader, sizes: DecoderSizes): FeedPart {
  const { hidden, act, layers } = sizes;
  const mixture = {
    hidden,
    act,
    intermediate: config.size(['moe_intermediate_size', 'intermediate_size'], 8192),
    experts: config.size(['num_local_experts', 'num_experts'], 16),
    perToken: config.size('num_experts_per_tok', 1),
  };
  const period = config.size(['interleave_moe_layer_step', 'moe_layer_step'], 1);
  const listed = config.numbers('moe_layers');
  const every = Array.from({ length: layers }, (_, i) => i).filter((i) => period > 0 && (i + 1) % period === 0);
  const sparse = new Set(listed.length > 0 ? listed : every);
  const width = config.size('intermediate_size_mlp', 16384);
  const dense = denseFeed('feed_forward', gatedFeedForward, { ...sizes, intermediate: width });
  return (scope, layer) =>
    sparse.has(layer) ? batchedExperts(scope.child('feed_forward'), mixture) : dense(scope, layer);
}

/** Granite's: experts' weights in one parameter for each of two products, tokens sorted by their experts. */
export function graniteMixture(config: ConfigReader, { hidden, intermediate, act }: DecoderSizes): FeedPart {
  const experts = config.size(['num_local_experts', 'num_experts'], 8);
  const sizes = { hidden, intermediate, act, experts, perToken: config.size('num_experts_per_tok', 2) };
  return (scope) => parallelExperts(scope.child('block_sparse_moe'), sizes);
}

/** The expert that every token of a shared Granite mixture goes to. */
export function graniteShared(config: ConfigReader, { hidden, act }: DecoderSizes): ((scope: Scope) => Step) | null {
  const width = config.size('shared_intermediate_size', 1024);
  return width === 0 ? null : (scope) => chunkedFeedForward(scope.child('shared_mlp'), { hidden, act, width });
}

/** gpt-oss's: all experts of a layer in one parameter each, with biases. */
export function gptOssMixture(config: ConfigReader, { hidden, intermediate }: DecoderSizes): FeedPart {
  const experts = config.size(['num_local_experts', 'num_experts'], 128);
  const sizes = { hidden, intermediate, experts, perToken: config.size('num_experts_per_tok', 4) };
  return (scope) => stackedExperts(scope.child('mlp'), sizes);
}

/** OLMoE's: experts in every layer. */
export function olmoeMixture(config: ConfigReader, { hidden, act, intermediate }: DecoderSizes): FeedPart {
  const mixture = {
    hidden,
    act,
    intermediate: config.size('moe_intermediate_size', intermediate),
    experts: config.size(['num_experts', 'num_local_experts'], 64),
    perToken: config.size('num_experts_per_tok', 8),
    normalises: config.flag('norm_topk_prob', false),
    findsHits: false,
    names: GATED_NAMES,
  };
  return (scope) => mixtureOfExperts(scope.child('mlp'), mixture);
}

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

/** DeepSeek V2's: dense layers first, then experts chosen by softmax, perhaps in groups, beside shared ones. */
export function deepSeekV2Mixture(config: ConfigReader, sizes: DecoderSizes): FeedPart {
  const { hidden, act } = sizes;
  const intermediate = config.size('moe_intermediate_size', 1407);
  const experts = config.size(['n_routed_experts', 'num_experts'], 64);
  const perToken = config.size('num_experts_per_tok', 6);
  const limited = config.text('topk_method', 'greedy') === 'group_limited_greedy';
  const groups = limited ? config.size('n_group') : 1;
  const selection = { hidden, experts, perToken, groups, groupsPerToken: limited ? config.size('topk_group') : 1 };
  const mixture = {
    hidden,
    act,
    intermediate,
    experts,
    perToken,
    shared: intermediate * config.size('n_shared_experts', 2),
    select: (scope: Scope) => softmaxSelection(scope, selection),
    dispatch: sortedExperts,
  };
  const denseLayers = config.size('first_k_dense_replace', 0);
  const dense = denseFeed('mlp', gatedFeedForward, sizes);
  return (scope, layer) => (layer < denseLayers ? dense(scope, layer) : sharedMixture(scope.child('mlp'), mixture));
}

/** GLM 4.5's, which keeps the correction of its router in fp32. */
export const glmMixture = (config: ConfigReader, sizes: DecoderSizes): FeedPart =>
  deepSeekMixture(config, sizes, float32);

/** DeepSeek V3's and dots.llm1's: dense layers first, then experts chosen in groups beside a shared one. */
export function deepSeekMixture(config: ConfigReader, sizes: DecoderSizes, correction: DType | null = null): FeedPart {
  const { hidden, act } = sizes;
  const intermediate = config.size('moe_intermediate_size');
  const experts = config.size(['n_routed_experts', 'num_experts', 'num_local_experts']);
  const perToken = config.size('num_experts_per_tok', 8);
  const groups = config.size('n_group', 1);
  const selection = {
    hidden,
    experts,
    perToken,
    groups,
    groupsPerToken: config.size('topk_group', Math.min(groups, 1)),
    normalises: config.flag('norm_topk_prob', true),
    correction,
  };
  const mixture = {
    hidden,
    act,
    intermediate,
    experts,
    perToken,
    shared: intermediate * config.size('n_shared_experts', 1),
    select: (scope: Scope) => sigmoidSelection(scope, selection),
  };
  const denseLayers = config.size('first_k_dense_replace', 0);
  const dense = denseFeed('mlp', gatedFeedForward, sizes);
  return (scope, layer) => (layer < denseLayers ? dense(scope, layer) : sharedMixture(scope.child('mlp'), mixture));
}
