import { OUTPUTS_DROPPED } from './steps.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { RunDraft } from '../run-draft.js';
import type { Invocation } from './invocation.js';
import { MEGATRON_SWITCHES, megatronConfig } from './megatron-config.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

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
    const { options } = readCommandLine(invocation.args, { switches: MEGATRON_SWITCHES });
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

function readArchitecture(reader: OptionReader, draft: RunDraft): void {
  const { options } = reader;
  const config = megatronConfig(options, (flag) => {
    const why = options.find(flag)?.unresolved ?? `--${flag.replaceAll('_', '-')} is not given`;
    draft.leaveOpen('model', why, 'model: gpt2-xl');
  });
  if (draft.isOpen('model')) return;
  draft.read(
    'model',
    { name: 'Megatron model by its dimensions', catalogId: null, config },
    options.find('hidden_size')?.place ?? null,
  );
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
  draft.default('dropout', null, { ...OF, note: 'attention and hidden dropout of the model' });
  draft.default('gradientClipping', true, { ...OF, note: 'clip-grad is 1.0' });
  draft.default('kernels', ['transformer-engine'], OF);
  draft.default('attention', 'flash-attention-2', {
    ...OF,
    note: 'Transformer Engine chooses flash or fused attention',
  });
}
