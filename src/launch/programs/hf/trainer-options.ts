import type { ProgramOptions } from '../../../run/program-options.js';
import { ON, plain, worded } from '../../../run/program-options.js';

/** Words of `attn_implementation`. */
export const ATTENTION_WORDS = { sdpa: 'sdpa', 'flash-attention-2': 'flash_attention_2', eager: 'eager' };
/** Words of `optim` for AdamW's variants (training_args.py, OptimizerNames). */
export const ADAMW_WORDS = { fused: 'adamw_torch_fused', '8bit': 'adamw_bnb_8bit' };
const FSDP = { 'fsdp-full': '"full_shard auto_wrap"', 'fsdp-grad-op': '"shard_grad_op auto_wrap"' };

/** Flags of TrainingArguments. */
export const TRAINER_OPTIONS: ProgramOptions = {
  source: 'transformers 4.57: training_args.py',
  writers: {
    microBatchSize: plain('--per_device_train_batch_size'),
    gradientAccumulationSteps: plain('--gradient_accumulation_steps'),
    activationCheckpointing: worded('--gradient_checkpointing', ON),
    'optimizer.implementation': worded('--optim', ADAMW_WORDS),
    loss: worded('--use_liger_kernel', ON),
    'parallelism.sharding': worded('--fsdp', FSDP),
  },
};
