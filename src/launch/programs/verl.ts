import { plain, worded } from '../../run/program-options.js';
import { readOverrides } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount } from '../options/option.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_DROPPED } from './steps.js';

const OF = { of: 'verl' };
const SFT: ReadonlySet<string> = new Set([
  'verl.trainer.sft_trainer',
  'verl.trainer.fsdp_sft_trainer',
  'verl.trainer.sft_trainer_ray',
]);
/** Truth values as Hydra and Python write them. */
export const VERL_CHECKPOINTING = { true: 'full', True: 'full', false: 'none', False: 'none' } as const;

/** verl's supervised fine-tuning: Hydra overrides on its SFT trainers. */
export const verl: TrainingProgram = {
  id: 'verl',
  name: 'verl',
  step: OUTPUTS_DROPPED,
  builtOn: ['transformers'],
  options: {
    source: 'verl 0.9: trainer/config/*.yaml',
    writers: {
      microBatchSize: plain('data.micro_batch_size_per_gpu', 'override'),
      sequenceLength: plain('data.max_length', 'override'),
      activationCheckpointing: worded('model.enable_gradient_checkpointing', { full: 'True' }, 'override'),
      'peft.rank': plain('model.lora_rank', 'override'),
    },
  },
  recognise: ({ kind, name }: Invocation): Recognition | null => (kind === 'module' && SFT.has(name) ? 'name' : null),
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readOverrides(invocation.args), draft);
    nameProgram(context, { name: 'verl SFT', package: 'verl' });
    readSft(reader, context);
    draft.default('parallelism.sharding', 'fsdp-full', OF);
    draft.default('precision', 'amp-bf16', { ...OF, note: 'fp32 shards, computed in bf16' });
    draft.default('activationCheckpointing', 'full', OF);
    draft.default('attention', 'flash-attention-2', OF);
    draft.default('optimizer.name', 'adamw', OF);
    draft.default('gradientClipping', true, { ...OF, note: 'grad_clip is 1.0' });
  },
};

function readSft(reader: OptionReader, { draft }: ProgramContext): void {
  readModelName(reader, draft, 'model.path', 'model.partial_pretrain');
  draft.derive('task', 'causal-lm', ['program'], 'the SFT trainer trains language models');
  reader.count('globalBatchSize', 'data.train_batch_size');
  draft.default('globalBatchSize', 256, OF);
  reader.count('microBatchSize', 'data.micro_batch_size_per_gpu');
  draft.default('microBatchSize', 4, OF);
  reader.count('sequenceLength', 'data.max_length');
  draft.default('sequenceLength', 1024, OF);
  reader.choice('activationCheckpointing', VERL_CHECKPOINTING, 'model.enable_gradient_checkpointing');
  const names = ['model.fsdp_config.cpu_offload', 'model.fsdp_config.offload_params', 'engine.param_offload'];
  reader.flag('offload.parameters', ...names);
  readVerlLora(reader, 'model.lora_rank');
}

/** LoRA where a rank is given, on all linear layers. */
export function readVerlLora(reader: OptionReader, name: string): void {
  const rank = reader.options.find(name);
  if (asCount(rank) === undefined) return;
  const { draft } = reader;
  draft.read('peft.method', 'lora', rank?.place ?? null);
  reader.count('peft.rank', name);
  draft.default('peft.targetModules', 'all-linear', OF);
}
