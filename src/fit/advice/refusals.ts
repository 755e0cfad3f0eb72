import type { RunValues } from '../../run/training-run.js';
import type { Target } from './proposal.js';

/** A changed run, the device that it is for, and what the catalog knows of its model. */
export interface Considered {
  values: RunValues;
  target: Pick<Target, 'computeCapability' | 'vendor'>;
  /** `model_type`; null where the model is described, not named. */
  modelType: string | null;
  /** Dimensions of the model in the terms of `config.json`; null where they are not known. */
  config: Readonly<Record<string, unknown>> | null;
}

/** One thing that a framework stops at. */
export interface Refusal {
  id: string;
  /** The file, and what stands there. */
  source: string;
  /** Why it would stop; null where it would not. */
  refuses(considered: Considered): string | null;
}

const SIXTEEN_BIT = new Set(['amp-fp16', 'amp-bf16', 'fp16', 'bf16', 'fp8']);
const FLASH = new Set(['flash-attention-2', 'flash-attention-3']);
const SHARDS_PARAMETERS = new Set(['fsdp-full', 'fsdp-grad-op', 'hsdp', 'zero3']);
const BY_DEEPSPEED = new Set(['zero1', 'zero2', 'zero3']);
const HAS_FUSED = new Set(['adam', 'adamw', 'sgd']);
const HAS_8BIT = new Set(['adam', 'adamw', 'ademamix', 'lion', 'sgd', 'rmsprop', 'adagrad', 'lamb']);
const PROJECTS_GRADIENTS = new Set(['galore-adamw', 'apollo']);
const AMPERE = 8;

/** Model types of the catalog whose classes in transformers 4.57 have `_supports_flash_attn` unset. */
const WITHOUT_FLASH = new Set(
  `albert bert bloom camembert clip ctrl deberta deberta-v2 electra llama4 longformer mamba mpt mt5 qwen3_next roberta
  swin swinv2 t5 transfo-xl xlm-roberta xlnet`.split(/\s+/),
);
/** The same of `_supports_sdpa`. */
const WITHOUT_SDPA = new Set(
  `bloom ctrl deberta deberta-v2 electra gpt_neo gpt_oss gptj longformer mamba mpt mt5 swin swinv2 t5 transfo-xl
  xlnet`.split(/\s+/),
);
/** The same of `supports_gradient_checkpointing`. */
const WITHOUT_CHECKPOINTING = new Set(['albert', 'ctrl', 'transfo-xl', 'xlnet']);
/** Models of timm 1.0 whose `set_grad_checkpointing` says `assert not enable`. */
const TIMM_WITHOUT_CHECKPOINTING =
  /^(?:coat_|convit_|crossvit_|cs3|cspdarknet|cspresne|darknet|sedarknet|dla\d|hrnet_|inception_|nasnet|pit_|pnasnet|selecsls|legacy_se|legacy_xception|sequencer2d|twins_|vgg\d)/;

const numberAt = (config: Considered['config'], ...keys: string[]): number | null => {
  const value = keys.map((key) => config?.[key]).find((found) => typeof found === 'number');
  return value ?? null;
};

const headsOf = ({ config }: Considered): number | null => numberAt(config, 'num_attention_heads', 'n_head');
const layersOf = ({ config }: Considered): number | null => numberAt(config, 'num_hidden_layers', 'n_layer');

function headSizeOf(considered: Considered): number | null {
  const [heads, hidden] = [headsOf(considered), numberAt(considered.config, 'hidden_size', 'n_embd')];
  return numberAt(considered.config, 'head_dim') ?? (heads === null || hidden === null ? null : hidden / heads);
}

const usesTransformers = ({ values }: Considered): boolean => Object.hasOwn(values.framework.packages, 'transformers');
const isOfType = (types: ReadonlySet<string>, considered: Considered): boolean =>
  usesTransformers(considered) && considered.modelType !== null && types.has(considered.modelType);

/** Groups of keys and values are shared out or copied: one number must be a multiple of the other. */
const fitsGroups = (groups: number, tensor: number): boolean => groups % tensor === 0 || tensor % groups === 0;

/** How batch and ranks must go into each other. */
const COUNTS: readonly Refusal[] = [
  {
    id: 'global batch',
    source: 'deepspeed runtime/config.py _batch_assertion; megatron core/num_microbatches_calculator.py',
    refuses: ({ values: { microBatchSize, gradientAccumulationSteps, globalBatchSize, parallelism } }) =>
      microBatchSize * gradientAccumulationSteps * parallelism.data === globalBatchSize
        ? null
        : 'the global batch is not micro-batch times accumulation times data-parallel size',
  },
  {
    id: 'world size',
    source: 'megatron training/arguments.py: world size is not divisible by total_model_size',
    refuses: ({ values: { worldSize, parallelism } }) =>
      worldSize % (parallelism.tensor * parallelism.pipeline * parallelism.context) === 0
        ? null
        : 'the world size is not divisible by tensor, pipeline and context parallelism together',
  },
  {
    id: 'shards',
    source: 'torch/distributed/device_mesh.py: a mesh has the ranks that there are',
    refuses: ({ values: { parallelism, worldSize } }) =>
      parallelism.shardSize > worldSize || worldSize % parallelism.shardSize !== 0
        ? 'the shard size does not divide the world size'
        : null,
  },
  {
    id: 'experts',
    source: 'megatron core/parallel_state.py: expert_tensor_model_pipeline_parallel size; transformer/moe/moe_layer.py',
    refuses: (considered) => {
      const { expert, data, tensor, context } = considered.values.parallelism;
      const experts = numberAt(considered.config, 'num_experts', 'num_local_experts', 'n_routed_experts');
      if (experts !== null && experts % expert !== 0) return 'the experts are not divisible by the expert parallelism';
      const ranks = data * tensor * context;
      return ranks % expert === 0 ? null : 'the ranks of a stage are not divisible by the expert parallelism';
    },
  },
];

/** How the dimensions of the model must go into the parallelism. */
const DIMENSIONS: readonly Refusal[] = [
  {
    id: 'heads',
    source: 'megatron core/transformer/transformer_config.py __post_init__: num_attention_heads',
    refuses: (considered) =>
      (headsOf(considered) ?? 0) % considered.values.parallelism.tensor === 0
        ? null
        : 'the head count is not divisible by the tensor-parallel degree',
  },
  {
    id: 'key and value heads',
    source: 'megatron core/transformer/transformer_config.py __post_init__: num_query_groups',
    refuses: (considered) => {
      const groups = numberAt(considered.config, 'num_key_value_heads');
      return groups === null || fitsGroups(groups, considered.values.parallelism.tensor)
        ? null
        : 'the heads of keys and values and the tensor-parallel degree are no multiple of each other';
    },
  },
  {
    id: 'layers',
    source: 'megatron training/arguments.py: number of layers should be divisible by the pipeline-model-parallel size',
    refuses: (considered) => {
      const { pipeline, pipelineSchedule, virtualStages } = considered.values.parallelism;
      const stages = pipelineSchedule === 'interleaved' ? pipeline * virtualStages : pipeline;
      return (layersOf(considered) ?? 0) % stages === 0 ? null : 'the layers are not divisible by the pipeline stages';
    },
  },
  {
    id: 'context',
    source: 'megatron training/arguments.py: seq_length % (context_parallel_size * 2)',
    refuses: ({ values: { sequenceLength, parallelism } }) =>
      parallelism.context === 1 || (sequenceLength ?? 0) % (parallelism.context * 2) === 0
        ? null
        : 'the sequence is not divisible by twice the context parallelism',
  },
  {
    id: 'sequence parallel',
    source: 'megatron core/tensor_parallel/mappings.py _split_along_first_dim: first dimension divisible by the degree',
    refuses: ({ values: { sequenceLength, parallelism } }) =>
      parallelism.sequence && (sequenceLength ?? 0) % parallelism.tensor !== 0
        ? 'the sequence is not divisible by the tensor-parallel degree, over which it is split'
        : null,
  },
  {
    id: 'images of a fixed size',
    source: 'torchvision/models/vision_transformer.py _process_input: Wrong image height; references build it for 224',
    refuses: ({ values: { program, model, imageSize } }) =>
      program?.id === 'torchvision-references' && /^(?:vit_|maxvit)/.test(model?.name ?? '') && imageSize?.[0] !== 224
        ? 'the model takes images of 224 pixels only'
        : null,
  },
  {
    id: 'batch norm of one value',
    source: 'torch/nn/functional.py _verify_batch_size: Expected more than 1 value per channel when training',
    refuses: ({ values: { model, microBatchSize } }) =>
      microBatchSize === 1 && /^(?:inception_v3|deeplabv3)/.test(model?.name ?? '')
        ? 'batch norm of one pixel needs more than one image'
        : null,
  },
];

/** What kernels and attention need. */
const KERNELS: readonly Refusal[] = [
  {
    id: 'flash attention',
    source:
      'Dao-AILab/flash-attention csrc/flash_attn/flash_api.cpp: only supports Ampere GPUs or newer, fp16 and bf16',
    refuses: ({ values: { attention, precision }, target: { computeCapability } }) =>
      FLASH.has(attention) && (!SIXTEEN_BIT.has(precision) || (computeCapability ?? AMPERE) < AMPERE)
        ? 'flash attention needs 16-bit precision and compute capability 8.0'
        : null,
  },
  {
    id: 'flash attention of wide heads',
    source: 'Dao-AILab/flash-attention csrc/flash_attn/flash_api.cpp: head dimension at most 256',
    refuses: (considered) =>
      FLASH.has(considered.values.attention) && (headSizeOf(considered) ?? 0) > 256
        ? 'flash attention takes heads of at most 256'
        : null,
  },
  {
    id: 'flash attention of the model',
    source: 'transformers modeling_utils.py _flash_attn_2_can_dispatch: does not support Flash Attention 2',
    refuses: (considered) =>
      FLASH.has(considered.values.attention) && isOfType(WITHOUT_FLASH, considered)
        ? 'the model has no flash attention in transformers'
        : null,
  },
  {
    id: 'sdpa of the model',
    source:
      'transformers modeling_utils.py _sdpa_can_dispatch: does not support an attention implementation through sdpa',
    refuses: (considered) =>
      considered.values.attention === 'sdpa' && isOfType(WITHOUT_SDPA, considered)
        ? 'the model has no scaled_dot_product_attention in transformers'
        : null,
  },
  {
    id: 'checkpointing of the model',
    source: 'transformers modeling_utils.py gradient_checkpointing_enable; timm models: assert not enable',
    refuses: (considered) => {
      const { activationCheckpointing, model, program } = considered.values;
      if (activationCheckpointing === 'none') return null;
      const isTimm = program?.id === 'timm' && TIMM_WITHOUT_CHECKPOINTING.test(model?.name ?? '');
      return isTimm || isOfType(WITHOUT_CHECKPOINTING, considered) ? 'the model has no gradient checkpointing' : null;
    },
  },
  {
    id: 'bfloat16',
    source: 'torch.cuda.is_bf16_supported: compute capability 8.0',
    refuses: ({ values: { precision }, target: { computeCapability } }) =>
      (precision === 'bf16' || precision === 'amp-bf16') && (computeCapability ?? AMPERE) < AMPERE
        ? 'bfloat16 needs compute capability 8.0'
        : null,
  },
  {
    id: 'expandable segments',
    source: 'torch c10/cuda/CUDAAllocatorConfig.cpp: expandable_segments not supported on this platform',
    refuses: ({ values: { allocator }, target: { vendor } }) =>
      allocator.includes('expandable_segments:True') && vendor === 'amd'
        ? 'expandable segments are left out on AMD GPUs'
        : null,
  },
];

/** What optimizers, adapters and quantised weights go together with. */
const STATES: readonly Refusal[] = [
  {
    id: 'fused optimizer',
    source: 'torch/optim/adamw.py, sgd.py: argument fused; adagrad.py: _device_dtype_check_for_fused(cuda_unsupported)',
    refuses: ({ values: { optimizer } }) =>
      optimizer.implementation === 'fused' && !HAS_FUSED.has(optimizer.name) ? 'no fused implementation' : null,
  },
  {
    id: '8-bit optimizer',
    source: 'bitsandbytes/optim: the optimizers that there are',
    refuses: ({ values: { optimizer } }) =>
      is8bit(optimizer.implementation) && !HAS_8BIT.has(optimizer.name) ? 'no 8-bit implementation' : null,
  },
  {
    id: '8-bit states in shards',
    source:
      'bitsandbytes-foundation/bitsandbytes issues 89, 1403 and 1633 (open): states are plain tensors, shards are not',
    refuses: ({ values: { optimizer, parallelism } }) =>
      is8bit(optimizer.implementation) && !['none', 'ddp'].includes(parallelism.sharding)
        ? '8-bit states are not sharded'
        : null,
  },
  {
    id: 'offloaded optimizer',
    source: 'deepspeed runtime/engine.py _configure_optimizer: ZeRO-Offload with a client provided optimizer',
    refuses: ({ values: { optimizer, offload, parallelism } }) =>
      offload.optimizer && BY_DEEPSPEED.has(parallelism.sharding) && optimizer.implementation === 'fused'
        ? 'DeepSpeed steps an offloaded optimizer by its own implementation'
        : null,
  },
  {
    id: 'adapters and projected gradients',
    source: 'LLaMA-Factory hparams/finetuning_args.py __post_init__: Cannot use LoRA with GaLore, APOLLO or BAdam',
    refuses: ({ values: { optimizer, peft } }) =>
      PROJECTS_GRADIENTS.has(optimizer.name) && peft.method !== 'none'
        ? 'adapters are not trained with projected gradients'
        : null,
  },
  {
    id: 'quantised weights without adapters',
    source: 'transformers trainer.py validate_quantization_for_training',
    refuses: ({ values: { quantization, peft } }) =>
      quantization !== 'none' && peft.method === 'none' ? 'a quantised model is trained only through adapters' : null,
  },
  {
    id: 'quantised weights in shards',
    source: 'transformers integrations/bitsandbytes.py: 4-bit weights under FSDP need a matching storage type',
    refuses: ({ values: { quantization, parallelism } }) =>
      quantization !== 'none' && SHARDS_PARAMETERS.has(parallelism.sharding)
        ? 'quantised weights are not sharded without further settings'
        : null,
  },
];

const is8bit = (implementation: string): boolean => implementation === '8bit' || implementation === 'paged-8bit';

/** Everything that frameworks are known to stop at, with where they say so. */
export const REFUSALS: readonly Refusal[] = [...COUNTS, ...DIMENSIONS, ...KERNELS, ...STATES];

/** Why a framework would refuse a run; null where none does. */
export function refusalOf(considered: Considered): string | null {
  for (const rule of REFUSALS) {
    const words = rule.refuses(considered);
    if (words !== null) return words;
  }
  return null;
}
