import type { OptimizerImplementation, OptimizerName } from '../../../run/training-run.js';

export type OptimizerChoice = readonly [OptimizerName, OptimizerImplementation];

/**
 * Values of `--optim` (transformers/training_args.py OptimizerNames) with the implementation that the Trainer builds
 * (trainer.py get_optimizer_cls_and_kwargs). `adamw_torch` leaves torch its own choice, which on CUDA is foreach.
 */
export const HF_OPTIMIZERS: Readonly<Record<string, OptimizerChoice>> = {
  adamw_torch: ['adamw', 'foreach'],
  adamw_torch_fused: ['adamw', 'fused'],
  adamw_hf: ['adamw', 'for-loop'],
  adamw_apex_fused: ['adamw', 'fused'],
  adamw_torch_npu_fused: ['adamw', 'fused'],
  adamw_torch_8bit: ['adamw', '8bit'],
  adamw_bnb_8bit: ['adamw', '8bit'],
  adamw_8bit: ['adamw', '8bit'],
  paged_adamw: ['adamw', 'paged'],
  paged_adamw_32bit: ['adamw', 'paged'],
  paged_adamw_8bit: ['adamw', 'paged-8bit'],
  adafactor: ['adafactor', 'for-loop'],
  sgd: ['sgd', 'foreach'],
  adagrad: ['adagrad', 'foreach'],
  rmsprop: ['rmsprop', 'foreach'],
  rmsprop_bnb: ['rmsprop', 'for-loop'],
  rmsprop_bnb_8bit: ['rmsprop', '8bit'],
  rmsprop_bnb_32bit: ['rmsprop', 'for-loop'],
  lion_32bit: ['lion', 'fused'],
  lion_8bit: ['lion', '8bit'],
  paged_lion_32bit: ['lion', 'paged'],
  paged_lion_8bit: ['lion', 'paged-8bit'],
  galore_adamw: ['galore-adamw', 'for-loop'],
  galore_adamw_8bit: ['galore-adamw', '8bit'],
  galore_adamw_layerwise: ['galore-adamw', 'for-loop'],
  schedule_free_adamw: ['schedule-free-adamw', 'foreach'],
  schedule_free_sgd: ['schedule-free-sgd', 'foreach'],
  schedule_free_radam: ['schedule-free-adamw', 'foreach'],
  ademamix: ['ademamix', 'fused'],
  ademamix_8bit: ['ademamix', '8bit'],
  paged_ademamix_32bit: ['ademamix', 'paged'],
  paged_ademamix_8bit: ['ademamix', 'paged-8bit'],
  stable_adamw: ['stable-adamw', 'foreach'],
  lomo: ['lomo', 'for-loop'],
  apollo_adamw: ['apollo', 'for-loop'],
  apollo_adamw_layerwise: ['apollo', 'for-loop'],
};
