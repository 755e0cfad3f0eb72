import { z } from 'zod';
import type { Setting } from './setting.js';

const positive = z.int().min(1).max(1_000_000_000);
const count = z.int().min(0).max(1_000_000_000);
const shortText = z.string().min(1).max(300);

export const taskSchema = z.enum([
  'causal-lm',
  'masked-lm',
  'seq2seq',
  'sequence-classification',
  'token-classification',
  'question-answering',
  'image-classification',
  'detection',
  'segmentation',
  'diffusion',
  'speech',
  'preference',
  'rl',
  'distillation',
  'encoding',
]);
export const precisionSchema = z.enum(['fp32', 'tf32', 'amp-fp16', 'amp-bf16', 'fp16', 'bf16', 'fp8']);
/** Types that weights are kept in; null: the type that the precision says. */
export const weightTypeSchema = z.enum(['fp32', 'fp16', 'bf16']).nullable();
export const optimizerNameSchema = z.enum([
  'sgd',
  'adam',
  'adamw',
  'adamax',
  'nadam',
  'radam',
  'rmsprop',
  'adagrad',
  'adadelta',
  'adafactor',
  'lion',
  'lamb',
  'muon',
  'shampoo',
  'soap',
  'schedule-free-adamw',
  'schedule-free-sgd',
  'galore-adamw',
  'apollo',
  'adam-mini',
  'came',
  'adan',
  'sophia',
  'ademamix',
  'stable-adamw',
  'lomo',
]);
export const optimizerImplementationSchema = z.enum(['foreach', 'fused', 'for-loop', '8bit', 'paged', 'paged-8bit']);
export const attentionSchema = z.enum([
  'eager',
  'sdpa',
  'sdpa-math',
  'sdpa-efficient',
  'flash-attention-2',
  'flash-attention-3',
  'xformers',
  'flex',
]);
export const lossSchema = z.enum(['standard', 'fused-linear', 'chunked']);
export const shardingSchema = z.enum([
  'none',
  'ddp',
  'zero1',
  'zero2',
  'zero3',
  'fsdp-full',
  'fsdp-grad-op',
  'hsdp',
  'distributed-optimizer',
]);
export const peftMethodSchema = z.enum([
  'none',
  'lora',
  'dora',
  'prompt',
  'prefix',
  'adapter',
  'ia3',
  'frozen-backbone',
  'adalora',
  'loha',
  'lokr',
  'delora',
  'oft',
  'boft',
  'hra',
  'vera',
  'pvera',
  'randlora',
  'vblora',
  'fourierft',
  'waveft',
  'c3a',
  'miss',
  'road',
  'shira',
  'gralora',
  'glora',
  'psoft',
  'p-tuning',
  'ln-tuning',
  'bitfit',
  'trainable-tokens',
]);
/**
 * What is done with a model: it is trained; it only runs forward, without gradients (a reference, a reward model, a
 * teacher); or an inference engine generates with it.
 */
export const activitySchema = z.enum(['train', 'forward', 'generate']);
export const quantizationSchema = z.enum(['none', 'int8', 'nf4', 'nf4-double', 'fp4', 'int4', 'fp8']);

/** An architecture's fields in the terms of Hugging Face's `config.json`, for models that are described, not named. */
export const modelConfigSchema = z.record(z.string().max(100), z.json());

export const modelReferenceSchema = z.strictObject({
  /** As written: a hub id, a short name, a torchvision or timm name. */
  name: shortText,
  /** Id in the catalog, once found there. */
  catalogId: shortText.nullable().default(null),
  /** Explicit dimensions; where given they win over the name. */
  config: modelConfigSchema.nullable().default(null),
});

/** `none`, `selective`, `full`, every n-th layer, or parts of each layer by Megatron's names (`core_attn`, `mlp`, `moe_act`). */
export const checkpointingSchema = z.union([
  z.enum(['none', 'selective', 'full']),
  z.strictObject({ everyNthLayer: positive }),
  z.strictObject({ modules: z.array(shortText).max(20) }),
]);

/**
 * The values of a training run: everything about a training that decides its memory. The one contract between reading
 * and estimating, what `plimsoll.dev/run` accepts (each field optional) and what `-o json` shows (with evidence).
 * Sizes are per device (one process), lengths in tokens, images in pixels [height, width].
 */
export const runValuesSchema = z.strictObject({
  /** `id`: of the table of training programs; null for one that only a person named. */
  program: z
    .strictObject({ id: shortText.nullable().default(null), name: shortText, version: shortText.nullable() })
    .nullable(),
  /** Versions that change defaults, by package name: `torch`, `transformers`, `cuda`, `accelerate`, ... */
  framework: z.strictObject({ name: shortText, packages: z.record(z.string().max(60), z.string().max(60)) }),
  /** null: nothing in the manifest says which model is trained. */
  model: modelReferenceSchema.nullable(),
  task: taskSchema,
  microBatchSize: positive,
  /** Rows of a pass for each sample of the batch: chosen and rejected answers run together. */
  rowsPerSample: positive,
  gradientAccumulationSteps: positive,
  globalBatchSize: positive,
  /** Tokens; null where the model has no sequences. For encoder-decoders the encoder's. */
  sequenceLength: positive.nullable(),
  targetSequenceLength: positive.nullable(),
  imageSize: z.tuple([positive, positive]).nullable(),
  frames: positive.nullable(),
  numClasses: positive.nullable(),
  precision: precisionSchema,
  /** 16-bit weights under autocast, as trainers of diffusion models have it; null: as the precision says. */
  weights: weightTypeSchema,
  optimizer: z.strictObject({
    name: optimizerNameSchema,
    implementation: optimizerImplementationSchema,
    momentum: z.number().min(0).max(1),
    weightDecay: z.number().min(0),
    amsgrad: z.boolean(),
  }),
  gradientClipping: z.boolean(),
  activationCheckpointing: checkpointingSchema,
  attention: attentionSchema,
  loss: lossSchema,
  /** Replacement kernels, such as `liger`, `unsloth`, `transformer-engine`, `apex`. */
  kernels: z.array(shortText).max(20),
  /** Whether padding reaches the attention (a mask is kept) or sequences are packed. */
  packing: z.boolean(),
  /** Probability of dropout where it differs from the model's own configuration; null: the model's own. */
  dropout: z.number().min(0).max(1).nullable(),
  peft: z.strictObject({
    method: peftMethodSchema,
    rank: positive.nullable(),
    dropout: z.number().min(0).max(1),
    /** Module name endings, or `all-linear`. */
    targetModules: z.union([z.literal('all-linear'), z.array(shortText).max(100)]).nullable(),
    modulesToSave: z.array(shortText).max(100),
    /** Type of the adapters' weights; peft keeps them in fp32 unless told otherwise. */
    weights: weightTypeSchema,
  }),
  quantization: quantizationSchema,
  parallelism: z.strictObject({
    sharding: shardingSchema,
    /** Ranks that one copy of the sharded state is spread over. */
    shardSize: positive,
    fsdpVersion: z.union([z.literal(1), z.literal(2)]),
    data: positive,
    tensor: positive,
    sequence: z.boolean(),
    pipeline: positive,
    pipelineSchedule: z.enum(['gpipe', '1f1b', 'interleaved']),
    virtualStages: positive,
    context: positive,
    expert: positive,
    /** DDP's `gradient_as_bucket_view`. */
    gradientAsBucketView: z.boolean(),
  }),
  offload: z.strictObject({ parameters: z.boolean(), optimizer: z.boolean(), activations: z.boolean() }),
  compile: z.enum(['none', 'default', 'reduce-overhead', 'max-autotune']),
  ema: z.boolean(),
  channelsLast: z.boolean(),
  /** The value of PYTORCH_ALLOC_CONF (or PYTORCH_CUDA_ALLOC_CONF); empty: PyTorch's defaults. */
  allocator: z.string().max(500),
  worldSize: positive,
  nodes: positive,
  processesPerNode: positive,
  /** What the program does around the model's forward pass and the optimizer. */
  trainingStep: z.strictObject({
    /** The model's outputs live on through backward, logits and all. */
    keepsOutputs: z.boolean(),
    /** Outputs leave autocast as fp32 copies. */
    castsOutputs: z.boolean(),
    /** What is compiled holds the loss too, where the program compiles. */
    compilesLoss: z.boolean(),
    /** Optimizers with states of 8 bits keep those of embeddings in 32. */
    fullPrecisionEmbeddings: z.boolean(),
  }),
  /** Data-loader copies of the batch that wait on the device. */
  prefetchedBatches: count,
  activity: activitySchema,
  /** How the run shares its device with the other runs of the same pods (device-runs.ts). */
  sharing: z.strictObject({
    /** Whether its process is that of the trained model or one of its own, with a context and an allocator of its own. */
    process: z.enum(['common', 'own']),
    /** When it works: in turn, while the others only hold what they keep; in the middle of the trained model's step, whose activations live on; or once and never again, before the trained model is put on the device or before it is trained. */
    turn: z.enum(['apart', 'within-step', 'before-placing', 'before-training']),
    /** Whether its parameters stay on the device while another run has its turn. */
    keepsParameters: z.boolean(),
    /** Whether the optimizer's states do. */
    keepsOptimizerStates: z.boolean(),
    /** Whether its process gives back memory that is cached when its turn ends (`torch.cuda.empty_cache`). */
    emptiesCache: z.boolean(),
    /** Whether its weights are the trained model's, which lie on the device already: an adapter turned off, the policy that answers. */
    borrowsWeights: z.boolean(),
    /** Share of the device's memory that an inference engine takes for itself, as vLLM's `gpu_memory_utilization`; null: what it needs. */
    deviceShare: z.number().gt(0).max(1).nullable(),
  }),
});

export type RunValues = z.infer<typeof runValuesSchema>;
export type ModelReference = z.infer<typeof modelReferenceSchema>;
export type Task = z.infer<typeof taskSchema>;
export type WeightType = z.infer<typeof weightTypeSchema>;
export type Precision = z.infer<typeof precisionSchema>;
export type OptimizerName = z.infer<typeof optimizerNameSchema>;
export type OptimizerImplementation = z.infer<typeof optimizerImplementationSchema>;
export type Attention = z.infer<typeof attentionSchema>;
export type Sharding = z.infer<typeof shardingSchema>;
export type PeftMethod = z.infer<typeof peftMethodSchema>;
export type Quantization = z.infer<typeof quantizationSchema>;
export type Activity = z.infer<typeof activitySchema>;
export type Checkpointing = z.infer<typeof checkpointingSchema>;

/** Fields that are groups of settings rather than one setting. */
export type RunGroup = 'optimizer' | 'peft' | 'parallelism' | 'offload' | 'trainingStep' | 'sharing';

/** A training run: each value with its evidence. Groups hold one setting per member. */
export type TrainingRun = {
  [K in keyof RunValues]: K extends RunGroup
    ? { [M in keyof RunValues[K]]: Setting<RunValues[K][M]> }
    : Setting<RunValues[K]>;
};

type GroupFields = { [G in RunGroup]: `${G}.${keyof RunValues[G] & string}` }[RunGroup];
/** The path of a single setting: `microBatchSize`, `optimizer.name`, `parallelism.sharding`, ... */
export type RunField = Exclude<keyof RunValues, RunGroup> | GroupFields;
