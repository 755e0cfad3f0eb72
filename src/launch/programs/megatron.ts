import { OUTPUTS_DROPPED } from './steps.js';
import type { Json } from '../../workload/workload.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Options } from '../options/option.js';
import { asCount } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

/** megatron/training/arguments.py: switches that bear on memory; the others stand for themselves when the next word is a flag. */
const SWITCHES: ReadonlySet<string> = new Set([
  'bf16',
  'fp16',
  'swiglu',
  'group_query_attention',
  'untie_embeddings_and_output_weights',
  'disable_bias_linear',
  'add_qkv_bias',
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

const SCRIPTS: Readonly<Record<string, 'causal-lm' | 'masked-lm' | 'seq2seq'>> = {
  'pretrain_gpt.py': 'causal-lm',
  'pretrain_llama.py': 'causal-lm',
  'pretrain_bert.py': 'masked-lm',
  'pretrain_t5.py': 'seq2seq',
};

const OF = { of: 'megatron-core' };

/** Megatron-LM: the architecture is on the command line. */
export const megatron: TrainingProgram = {
  id: 'megatron-lm',
  name: 'Megatron-LM',
  step: OUTPUTS_DROPPED,
  builtOn: [],
  options: null,
  recognise: ({ kind, name }: Invocation): Recognition | null =>
    kind === 'script' && Object.hasOwn(SCRIPTS, name) ? 'name' : null,
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const { options } = readCommandLine(invocation.args, { switches: SWITCHES });
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: `Megatron-LM ${invocation.name}`, package: 'megatron-core' });
    draft.derive('task', SCRIPTS[invocation.name], ['program'], `what ${invocation.name} trains`);
    readArchitecture(reader, draft);
    reader.count('microBatchSize', 'micro_batch_size');
    reader.count('globalBatchSize', 'global_batch_size');
    reader.count('sequenceLength', 'seq_length', 'encoder_seq_length');
    draft.default('packing', true, { ...OF, note: 'rows are always full' });
    readParallelism(reader, draft);
    readMemoryOptions(reader, draft);
  },
};

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
];

const REQUIRED: ReadonlySet<string> = new Set(['num_layers', 'hidden_size', 'num_attention_heads']);

function readArchitecture(reader: OptionReader, draft: RunDraft): void {
  const { options } = reader;
  const isLlama = options.has('swiglu') || options.has('use_rotary_position_embeddings');
  const config: Record<string, Json> = {
    model_type: isLlama ? 'llama' : 'gpt2',
    tie_word_embeddings: !options.has('untie_embeddings_and_output_weights'),
  };
  for (const [flag, key] of DIMENSIONS) readDimension(flag, key, { options, config, draft });
  addDerivedSizes(config, options);
  if (draft.isOpen('model')) return;
  draft.read(
    'model',
    { name: 'Megatron model by its dimensions', catalogId: null, config },
    options.find('hidden_size')?.place ?? null,
  );
}

function readDimension(
  flag: string,
  key: string,
  { options, config, draft }: { options: Options; config: Record<string, Json>; draft: RunDraft },
): void {
  const option = options.find(flag);
  const value = asCount(option);
  if (value !== undefined) config[key] = value;
  else if (option || REQUIRED.has(flag))
    draft.leaveOpen('model', option?.unresolved ?? `--${flag.replaceAll('_', '-')} is not given`, 'model: gpt2-xl');
}

/** Without `--ffn-hidden-size` 4 × hidden, with SwiGLU two thirds of that in steps of 64; GPT-2's vocabulary of its file. */
function addDerivedSizes(config: Record<string, Json>, options: Options): void {
  const hidden = config['hidden_size'];
  if (typeof hidden === 'number' && config['intermediate_size'] === undefined)
    config['intermediate_size'] = options.has('swiglu') ? Math.floor((4 * hidden * 2) / 3 / 64) * 64 : 4 * hidden;
  if (!options.has('group_query_attention')) delete config['num_key_value_heads'];
  if (config['model_type'] === 'gpt2') nameAsGpt2(config);
  if (config['vocab_size'] === undefined) config['vocab_size'] = 50304;
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

function readParallelism(reader: OptionReader, draft: RunDraft): void {
  reader.count('parallelism.tensor', 'tensor_model_parallel_size', 'model_parallel_size');
  reader.count('parallelism.pipeline', 'pipeline_model_parallel_size');
  reader.count('parallelism.context', 'context_parallel_size');
  reader.count('parallelism.expert', 'expert_model_parallel_size');
  reader.count('parallelism.virtualStages', 'num_virtual_stages_per_pipeline_rank');
  const sequence = reader.truth('parallelism.sequence', 'sequence_parallel');
  if (sequence) draft.read('parallelism.sequence', sequence.value, sequence.place);
  const optimizer = reader.truth('parallelism.sharding', 'use_distributed_optimizer');
  if (optimizer?.value) draft.read('parallelism.sharding', 'distributed-optimizer', optimizer.place);
  const fsdp = reader.truth('parallelism.sharding', 'use_torch_fsdp2', 'use_custom_fsdp', 'use_megatron_fsdp');
  if (fsdp?.value) draft.read('parallelism.sharding', 'fsdp-full', fsdp.place);
}

/** 16-bit parameters have fp32 main parameters and gradients beside them. */
function readMemoryOptions(reader: OptionReader, draft: RunDraft): void {
  for (const precision of ['bf16', 'fp16'] as const) {
    const found = reader.truth('precision', precision);
    if (found?.value) draft.read('precision', precision, found.place);
  }
  draft.default('precision', 'fp32', OF);
  const granularity = reader.word(
    'activationCheckpointing',
    { full: 'full', selective: 'selective' } as const,
    'recompute_granularity',
  );
  const selective = reader.truth('activationCheckpointing', 'recompute_activations');
  if (granularity) draft.read('activationCheckpointing', granularity.value, granularity.place);
  if (selective?.value) draft.read('activationCheckpointing', 'selective', selective.place);
  reader.choice('optimizer.name', { adam: 'adamw', sgd: 'sgd', muon: 'muon' } as const, 'optimizer');
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('optimizer.implementation', 'fused', { ...OF, note: 'Transformer Engine or Apex' });
  reader.number('optimizer.weightDecay', 'weight_decay');
  draft.default('optimizer.weightDecay', 0.01, OF);
  reader.number('dropout', 'hidden_dropout');
  draft.default('dropout', 0.1, { ...OF, note: 'attention and hidden dropout' });
  draft.default('gradientClipping', true, { ...OF, note: 'clip-grad is 1.0' });
  draft.default('kernels', ['transformer-engine'], OF);
  draft.default('attention', 'flash-attention-2', {
    ...OF,
    note: 'Transformer Engine chooses flash or fused attention',
  });
}
