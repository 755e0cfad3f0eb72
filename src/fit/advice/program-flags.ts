import { settingAt } from '../../run/fields.js';
import type { RunField, TrainingRun } from '../../run/training-run.js';

/** How a program is told one thing. */
export interface Written {
  /** `--gradient_checkpointing`, `gradient_checkpointing`, `PYTORCH_CUDA_ALLOC_CONF`, ... */
  option: string;
  value: string;
  /** `argument`: `--a 1`; `joined`: `--a=1`; `key`: `a: 1` in its file; `override`: `a=1`; `environment`: `A=1`. */
  style: 'argument' | 'joined' | 'key' | 'override' | 'environment';
}

type Writer = (value: unknown) => Written | null;
type Writers = Readonly<Partial<Record<RunField, Writer>>>;

interface Program {
  /** The names that reading gives to the program. */
  named: RegExp;
  inherits?: string;
  /** Where the options were read. */
  source: string;
  /** A person's own script around a library: what has no option can be written in its code. */
  isOwnScript?: boolean;
  /** Its batch option counts all processes of a node, unless a launcher starts each by itself. */
  batchIsPerNode?: boolean;
  writers: Writers;
}

const asText = (value: unknown): string => (Array.isArray(value) ? value.join(' ') : String(value));
const plain =
  (option: string, style: Written['style'] = 'argument'): Writer =>
  (value) => ({ option, value: asText(value), style });
/** An option that takes one of the program's own words. */
const worded =
  (option: string, words: Readonly<Record<string, string>>, style: Written['style'] = 'argument'): Writer =>
  (value) => {
    const word = words[asText(value)];
    return word === undefined ? null : { option, value: word, style };
  };

const ON: Readonly<Record<string, string>> = { full: 'true', 'fused-linear': 'true', lora: 'true', nf4: 'true' };
const ATTENTION = { sdpa: 'sdpa', 'flash-attention-2': 'flash_attention_2', eager: 'eager' };
const FSDP = { 'fsdp-full': '"full_shard auto_wrap"', 'fsdp-grad-op': '"shard_grad_op auto_wrap"' };

/** Options by program. A field that is missing cannot be told, unless the script is one's own. */
const PROGRAMS: Readonly<Record<string, Program>> = {
  'hf-trainer': {
    named: /\(Hugging Face Trainer\)$|^hf-trainer$/,
    isOwnScript: true,
    source: 'transformers 4.57: training_args.py; training_args OptimizerNames',
    writers: {
      microBatchSize: plain('--per_device_train_batch_size'),
      gradientAccumulationSteps: plain('--gradient_accumulation_steps'),
      activationCheckpointing: worded('--gradient_checkpointing', ON),
      'optimizer.implementation': worded('--optim', { fused: 'adamw_torch_fused', '8bit': 'adamw_bnb_8bit' }),
      loss: worded('--use_liger_kernel', ON),
      'parallelism.sharding': worded('--fsdp', FSDP),
    },
  },
  'hf-examples': {
    named: /^transformers \S+\.py$/,
    inherits: 'hf-trainer',
    source: 'transformers examples/pytorch: run_clm.py block_size; run_mlm.py, run_glue.py, run_qa.py max_seq_length',
    writers: { sequenceLength: plain('--max_seq_length') },
  },
  peft: {
    named: /^peft$/,
    inherits: 'hf-trainer',
    source: 'trl 1.15: trainer/model_config.py',
    writers: {
      'peft.method': worded('--use_peft', ON),
      'peft.rank': plain('--lora_r'),
      'peft.targetModules': worded('--lora_target_modules', { 'all-linear': 'all-linear' }),
      quantization: worded('--load_in_4bit', ON),
      attention: worded('--attn_implementation', ATTENTION),
      sequenceLength: plain('--max_length'),
    },
  },
  trl: { named: /^TRL /, inherits: 'peft', source: 'trl 1.15: scripts, trainer/*_config.py', writers: {} },
  axolotl: {
    named: /^axolotl/i,
    source: 'axolotl: utils/schemas/config.py, training.py, model.py, peft.py',
    writers: {
      microBatchSize: plain('micro_batch_size', 'key'),
      gradientAccumulationSteps: plain('gradient_accumulation_steps', 'key'),
      activationCheckpointing: worded('gradient_checkpointing', ON, 'key'),
      'optimizer.implementation': worded('optimizer', { fused: 'adamw_torch_fused', '8bit': 'adamw_bnb_8bit' }, 'key'),
      loss: worded('liger_fused_linear_cross_entropy', ON, 'key'),
      'peft.method': worded('adapter', { lora: 'lora' }, 'key'),
      'peft.rank': plain('lora_r', 'key'),
      quantization: worded('load_in_4bit', ON, 'key'),
      attention: worded('attn_implementation', ATTENTION, 'key'),
      sequenceLength: plain('sequence_len', 'key'),
    },
  },
  llamafactory: {
    named: /^llama-?factory/i,
    source: 'LLaMA-Factory 0.9: hparams/finetuning_args.py, model_args.py, data_args.py',
    writers: {
      microBatchSize: plain('per_device_train_batch_size', 'key'),
      gradientAccumulationSteps: plain('gradient_accumulation_steps', 'key'),
      activationCheckpointing: worded('disable_gradient_checkpointing', { full: 'false' }, 'key'),
      'optimizer.implementation': worded('optim', { fused: 'adamw_torch_fused', '8bit': 'adamw_bnb_8bit' }, 'key'),
      loss: worded('enable_liger_kernel', ON, 'key'),
      'peft.method': worded('finetuning_type', { lora: 'lora' }, 'key'),
      'peft.rank': plain('lora_rank', 'key'),
      quantization: worded('quantization_bit', { nf4: '4' }, 'key'),
      attention: worded('flash_attn', { sdpa: 'sdpa', 'flash-attention-2': 'fa2' }, 'key'),
      sequenceLength: plain('cutoff_len', 'key'),
    },
  },
  torchtune: {
    named: /^torchtune|^tune /i,
    source: 'torchtune 0.6: recipes/configs',
    writers: {
      microBatchSize: plain('batch_size', 'override'),
      gradientAccumulationSteps: plain('gradient_accumulation_steps', 'override'),
      activationCheckpointing: worded('enable_activation_checkpointing', { full: 'True' }, 'override'),
      'optimizer.implementation': worded('optimizer.fused', { fused: 'True' }, 'override'),
      sequenceLength: plain('tokenizer.max_seq_len', 'override'),
    },
  },
  nanogpt: {
    named: /^nanogpt/i,
    source: 'karpathy/nanoGPT: train.py, configurator.py',
    writers: {
      microBatchSize: plain('--batch_size', 'joined'),
      gradientAccumulationSteps: plain('--gradient_accumulation_steps', 'joined'),
      sequenceLength: plain('--block_size', 'joined'),
    },
  },
  'aws-fsdp-sample': {
    named: /^AWS FSDP example$/,
    source: 'aws-samples/awsome-distributed-training: FSDP/src/model_utils/arguments.py',
    writers: {
      microBatchSize: plain('--train_batch_size', 'joined'),
      activationCheckpointing: worded('--activation_checkpointing', { full: '1' }, 'joined'),
      'parallelism.sharding': worded('--sharding_strategy', { 'fsdp-full': 'full' }, 'joined'),
    },
  },
  timm: {
    named: /^timm/i,
    source: 'timm 1.0: train.py',
    writers: {
      microBatchSize: plain('--batch-size'),
      gradientAccumulationSteps: plain('--grad-accum-steps'),
      activationCheckpointing: (value) =>
        value === 'full' ? { option: '--grad-checkpointing', value: '', style: 'argument' } : null,
      imageSize: (value) => plain('--img-size')(Array.isArray(value) ? value[0] : value),
    },
  },
  'pytorch-imagenet': {
    named: /^PyTorch ImageNet example$/,
    source: 'pytorch/examples: imagenet/main.py',
    batchIsPerNode: true,
    writers: { microBatchSize: plain('--batch-size') },
  },
  'torchvision-classification': {
    named: /^torchvision .*classification/i,
    source: 'pytorch/vision: references/classification/train.py',
    writers: {
      microBatchSize: plain('--batch-size'),
      imageSize: (value) => plain('--train-crop-size')(Array.isArray(value) ? value[0] : value),
    },
  },
};

const LONGEST_CHAIN = 4;

function writerFor(program: string, field: RunField): Writer | null {
  let name: string | undefined = program;
  for (let step = 0; step < LONGEST_CHAIN && name !== undefined; step += 1) {
    const known: Program | undefined = PROGRAMS[name];
    const writer = known?.writers[field];
    if (writer !== undefined) return writer;
    name = known?.inherits;
  }
  return null;
}

const programOf = (run: TrainingRun): string | null => {
  const name = run.program.value?.name ?? '';
  return Object.keys(PROGRAMS).find((id) => PROGRAMS[id]?.named.test(name)) ?? null;
};

/** PYTORCH_ALLOC_CONF came with PyTorch 2.9; the older name is understood by every version. */
const allocatorVariable = (value: unknown): Written => ({
  option: 'PYTORCH_CUDA_ALLOC_CONF',
  value: asText(value),
  style: 'environment',
});

/** run_clm.py cuts texts into blocks, the other example scripts at a maximum. */
const isBlocks = (run: TrainingRun, field: RunField): boolean =>
  field === 'sequenceLength' && programOf(run) === 'hf-examples' && run.task.value === 'causal-lm';

/** The names of optimizer variants in PROGRAMS are AdamW's. */
const isOtherOptimizer = (run: TrainingRun, field: RunField): boolean =>
  field === 'optimizer.implementation' && run.optimizer.name.value !== 'adamw';

/** The number to write for a micro-batch: that of the node where the program divides it by itself. */
function perNode(run: TrainingRun, program: string, field: RunField, value: unknown): unknown {
  const isDivided = PROGRAMS[program]?.batchIsPerNode === true && run.microBatchSize.evidence.kind === 'derived';
  return field === 'microBatchSize' && isDivided ? Number(value) * run.processesPerNode.value : value;
}

/** How this run's program is told a value; null where nothing is known to say it. */
export function writtenFor(run: TrainingRun, field: RunField, value: unknown): Written | null {
  if (field === 'allocator') return allocatorVariable(value);
  if (isBlocks(run, field)) return plain('--block_size')(value);
  const program = programOf(run);
  if (program === null || isOtherOptimizer(run, field)) return null;
  return writerFor(program, field)?.(perNode(run, program, field, value)) ?? null;
}

/** Whether the run can be told another value: by an option, in the place it was read from, or in code of one's own. */
export function canWrite(run: TrainingRun, field: RunField): boolean {
  const { evidence } = settingAt(run, field);
  if (evidence.kind === 'read' || evidence.kind === 'declared' || field === 'allocator') return true;
  const program = programOf(run);
  if (program === null || PROGRAMS[program]?.isOwnScript === true || isBlocks(run, field)) return true;
  return writerFor(program, field) !== null && !isOtherOptimizer(run, field);
}
