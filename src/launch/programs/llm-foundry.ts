import { plain, worded } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { flattened, readOverrides } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount, asText, Options } from '../options/option.js';
import { configFile } from './hf/command-line.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_KEPT } from './steps.js';

const OF = { of: 'llm-foundry' };
const SHARDING = {
  FULL_SHARD: 'fsdp-full',
  SHARD_GRAD_OP: 'fsdp-grad-op',
  NO_SHARD: 'ddp',
  HYBRID_SHARD: 'hsdp',
} as const;

/** LLM Foundry on Composer: `composer train/train.py FILE.yaml key=value …`, `llmfoundry train FILE`. */
export const llmFoundry: TrainingProgram = {
  id: 'llm-foundry',
  name: 'LLM Foundry on Composer',
  step: OUTPUTS_KEPT,
  builtOn: ['transformers', 'mosaicml'],
  options: {
    source: 'llm-foundry: command_utils/train.py, utils/config_utils.py',
    writers: {
      microBatchSize: plain('device_train_microbatch_size', 'override'),
      sequenceLength: plain('max_seq_len', 'override'),
      activationCheckpointing: worded('fsdp_config.activation_checkpointing', { full: 'true' }, 'override'),
    },
  },
  recognise({ kind, name, args, written }: Invocation): Recognition | null {
    if (kind === 'console') return name === 'llmfoundry' && args[0]?.text === 'train' ? 'name' : null;
    const isScript = kind === 'script' && written.text.endsWith('train/train.py');
    return isScript && args[0]?.text.endsWith('.yaml') === true ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const { positionals } = readCommandLine(invocation.args, {});
    const path = positionals.find(({ text }) => text.endsWith('.yaml') || text.endsWith('.yml'));
    const file = path?.isResolved ? flattened(configFile(path.text, context)) : new Options();
    const reader = new OptionReader(readOverrides(positionals).over(file), draft);
    nameProgram(context, { name: 'LLM Foundry', package: 'llm-foundry' });
    draft.derive('task', 'causal-lm', ['program'], 'LLM Foundry trains language models');
    readModelName(reader, draft, 'model.pretrained_model_name_or_path');
    if (!draft.has('model')) draft.leaveOpen('model', draft.notes.at(-1) ?? 'the model is described by its sizes');
    readSizes(reader, context);
    readSharding(reader, context);
  },
};

/** `auto` halves the micro-batch until it fits: whatever is taken then fits by its own rule. */
function readSizes(reader: OptionReader, { draft }: ProgramContext): void {
  reader.count('globalBatchSize', 'global_train_batch_size');
  const micro = reader.options.find('device_train_microbatch_size');
  const isAuto = micro === undefined || asText(micro) === 'auto';
  if (isAuto)
    draft.assume('microBatchSize', 8, 'device_train_microbatch_size auto: Composer halves it until it fits', {
      low: 1,
      high: 8,
    });
  else reader.count('microBatchSize', 'device_train_microbatch_size');
  reader.count('sequenceLength', 'max_seq_len', 'variables.max_seq_len');
  const PRECISIONS = { amp_bf16: 'amp-bf16', amp_fp16: 'amp-fp16', fp32: 'fp32', amp_fp8: 'fp8' } as const;
  reader.choice('precision', PRECISIONS, 'precision');
  draft.default('precision', 'amp-bf16', OF);
  const OPTIMIZERS = { decoupled_adamw: 'adamw', decoupled_lionw: 'lion', adam: 'adam' } as const;
  reader.choice('optimizer.name', OPTIMIZERS, 'optimizer.name');
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('gradientClipping', true, { ...OF, note: 'algorithms.gradient_clipping in its examples' });
}

function readSharding(reader: OptionReader, { draft }: ProgramContext): void {
  const { options } = reader;
  const isSharded = options.names().some((name) => name.startsWith('fsdp_config'));
  reader.choice('parallelism.sharding', SHARDING, 'fsdp_config.sharding_strategy');
  if (isSharded) draft.default('parallelism.sharding', 'fsdp-full', OF);
  const checkpointing = reader.truth('activationCheckpointing', 'fsdp_config.activation_checkpointing');
  if (checkpointing) draft.read('activationCheckpointing', checkpointing.value ? 'full' : 'none', checkpointing.place);
  reader.flag('offload.activations', 'fsdp_config.activation_cpu_offload');
  reader.flag('offload.parameters', 'fsdp_config.cpu_offload');
  reader.count('parallelism.tensor', 'tp_config.tensor_parallel_degree');
  const ATTENTION = { flash: 'flash-attention-2', torch: 'eager', flex: 'flex' } as const;
  reader.choice('attention', ATTENTION, 'model.attn_config.attn_impl');
  const rank = options.find('model.peft_config.r');
  if (asCount(rank) !== undefined) {
    draft.read('peft.method', 'lora', rank?.place ?? null);
    reader.count('peft.rank', 'model.peft_config.r');
  }
}
