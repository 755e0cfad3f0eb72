import type { RunValues } from '../../run/training-run.js';
import type { Target } from './proposal.js';

interface Refusal {
  /** Why a framework would stop; null where it would not. */
  refuses(values: RunValues, target: Target): string | null;
  source: string;
}

const SIXTEEN_BIT = new Set(['amp-fp16', 'amp-bf16', 'fp16', 'bf16', 'fp8']);
const FLASH = new Set(['flash-attention-2', 'flash-attention-3']);
const SHARDS_PARAMETERS = new Set(['fsdp-full', 'fsdp-grad-op', 'hsdp', 'zero3']);
const HAS_FUSED = new Set(['adam', 'adamw', 'sgd', 'adagrad']);
const HAS_8BIT = new Set(['adam', 'adamw', 'lion', 'sgd', 'rmsprop', 'adagrad', 'lamb']);

const numberOf = (config: Readonly<Record<string, unknown>> | null, ...keys: string[]): number | null => {
  const value = keys.map((key) => config?.[key]).find((found) => typeof found === 'number');
  return value ?? null;
};

const REFUSALS: readonly Refusal[] = [
  {
    source: 'deepspeed runtime/config.py _batch_assertion; transformers training_args.py train_batch_size',
    refuses: ({ microBatchSize, gradientAccumulationSteps, globalBatchSize, parallelism }) =>
      microBatchSize * gradientAccumulationSteps * parallelism.data === globalBatchSize
        ? null
        : 'the global batch is not micro-batch times accumulation times data-parallel size',
  },
  {
    source: 'megatron-core transformer_config.py __post_init__; torch.distributed.tensor.parallel',
    refuses: ({ model, parallelism }) => {
      const heads = numberOf(model?.config ?? null, 'num_attention_heads', 'n_head');
      return heads !== null && heads % parallelism.tensor !== 0
        ? 'the head count is not divisible by the tensor-parallel degree'
        : null;
    },
  },
  {
    source: 'Dao-AILab/flash-attention README: fp16 and bf16 only, Ampere or newer',
    refuses: ({ attention, precision }, { computeCapability }) =>
      FLASH.has(attention) && (!SIXTEEN_BIT.has(precision) || (computeCapability ?? 8) < 8)
        ? 'flash attention needs 16-bit precision and compute capability 8.0'
        : null,
  },
  {
    source: 'torch.cuda.is_bf16_supported: compute capability 8.0',
    refuses: ({ precision }, { computeCapability }) =>
      (precision === 'bf16' || precision === 'amp-bf16') && (computeCapability ?? 8) < 8
        ? 'bfloat16 needs compute capability 8.0'
        : null,
  },
  {
    source: 'torch/optim/adamw.py, sgd.py, adagrad.py: argument fused',
    refuses: ({ optimizer }) =>
      optimizer.implementation === 'fused' && !HAS_FUSED.has(optimizer.name) ? 'no fused implementation' : null,
  },
  {
    source: 'bitsandbytes optim; its states are plain tensors, FSDP and ZeRO shard others (bitsandbytes#1633)',
    refuses: ({ optimizer, parallelism }) => {
      if (optimizer.implementation !== '8bit' && optimizer.implementation !== 'paged-8bit') return null;
      if (!HAS_8BIT.has(optimizer.name)) return 'no 8-bit implementation';
      return ['none', 'ddp'].includes(parallelism.sharding) ? null : '8-bit states are not sharded';
    },
  },
  {
    source: 'transformers trainer.py validate_quantization_for_training',
    refuses: ({ quantization, peft }) =>
      quantization !== 'none' && peft.method === 'none' ? 'a quantised model is trained only through adapters' : null,
  },
  {
    source: 'transformers integrations/bitsandbytes.py: 4-bit weights under FSDP need a matching storage type',
    refuses: ({ quantization, parallelism }) =>
      quantization !== 'none' && SHARDS_PARAMETERS.has(parallelism.sharding)
        ? 'quantised weights are not sharded without further settings'
        : null,
  },
  {
    source: 'torch/distributed: shards are spread over the ranks that there are',
    refuses: ({ parallelism, worldSize }) =>
      parallelism.shardSize > worldSize || worldSize % parallelism.shardSize !== 0
        ? 'the shard size does not divide the world size'
        : null,
  },
];

/** Why a framework would refuse a run; null where none does. Sources stand beside each rule. */
export function refusalOf(values: RunValues, target: Target): string | null {
  for (const rule of REFUSALS) {
    const words = rule.refuses(values, target);
    if (words !== null) return words;
  }
  return null;
}
