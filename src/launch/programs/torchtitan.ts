import { plain, worded } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { SourcePlace } from '../../run/setting.js';
import { asBoolean, asNumber, asText, asTexts, Options } from '../options/option.js';
import { readToml } from '../options/toml.js';
import { mergeSays } from '../launchers/peel.js';
import { environmentOption, saidCount } from '../launchers/launcher.js';
import { isAtLeast } from '../versions.js';
import type { Invocation } from './invocation.js';
import { readNamed } from './named-model.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_DROPPED } from './steps.js';

const OF = { of: 'torchtitan' };

/** Flavours of torchtitan/models by the hub's names of the same models. */
const MODELS: Readonly<Record<string, string>> = {
  'llama3 8B': 'meta-llama/Llama-3.1-8B',
  'llama3 70B': 'meta-llama/Llama-3.1-70B',
  'llama3 405B': 'meta-llama/Llama-3.1-405B',
  'qwen3 0.6B': 'Qwen/Qwen3-0.6B',
  'qwen3 1.7B': 'Qwen/Qwen3-1.7B',
  'qwen3 4B': 'Qwen/Qwen3-4B',
  'qwen3 8B': 'Qwen/Qwen3-8B',
  'qwen3 14B': 'Qwen/Qwen3-14B',
  'qwen3 32B': 'Qwen/Qwen3-32B',
  'deepseek_v3 16B': 'deepseek-ai/deepseek-moe-16b-base',
  'deepseek_v3 671B': 'deepseek-ai/DeepSeek-V3',
};

/** torchtitan: a TOML file and `--section.key value`; predictions are deleted before backward (train.py). */
export const torchtitan: TrainingProgram = {
  id: 'torchtitan',
  name: 'torchtitan',
  step: OUTPUTS_DROPPED,
  builtOn: [],
  options: {
    source: 'torchtitan 0.2: config/job_config.py',
    writers: {
      microBatchSize: plain('--training.local_batch_size'),
      sequenceLength: plain('--training.seq_len'),
      activationCheckpointing: worded('--activation_checkpoint.mode', { full: 'full', selective: 'selective' }),
      'offload.parameters': worded('--training.enable_cpu_offload', { true: '' }),
    },
  },
  recognise({ kind, name, written, args }: Invocation): Recognition | null {
    if (kind === 'module') return name.startsWith('torchtitan.') ? 'name' : null;
    if (kind === 'console' || kind === 'script')
      if (name === 'run_train.sh' || written.text.endsWith('torchtitan/train.py')) return 'name';
    return args.some(({ text }) => text.startsWith('--job.config_file')) ? 'flags' : null;
  },
  read(context: ProgramContext): void {
    const { draft, versions } = context;
    const reader = new OptionReader(settingsOf(context), draft);
    const since = versions.get('torchtitan') ?? versions.get('torch');
    const compilesLoss = since === null || isAtLeast(versions.get('torch') ?? '2.7.0', '2.7.0');
    nameProgram(context, { name: 'torchtitan', package: 'torchtitan', step: { ...OUTPUTS_DROPPED, compilesLoss } });
    draft.derive('task', 'causal-lm', ['program'], 'torchtitan trains language models');
    if (context.invocation.name === 'run_train.sh') startTorchrun(context);
    readModel(reader, context);
    readSizes(reader, context);
    readPrecision(reader, context);
    readParallelism(reader, context);
  },
};

/** `run_train.sh` starts torchrun with NGPU processes, 8 where it is not set. */
function startTorchrun(context: ProgramContext): void {
  const said = saidCount(environmentOption(context.invocation.env, 'NGPU')) ?? { value: 8, place: null };
  context.says = mergeSays(context.says, { processesPerNode: said });
}

/** Flags over the TOML file; `run_train.sh` takes the file's name from CONFIG_FILE. */
function settingsOf(context: ProgramContext): Options {
  const { args, env, cwd } = context.invocation;
  const line = readCommandLine(args, {});
  const named = asText(line.options.find('job.config_file')) ?? env.get('CONFIG_FILE')?.text;
  if (named === undefined) return line.options;
  const found = context.files.read(named, cwd);
  if ('content' in found) return line.options.over(readToml(found.content));
  const isInImage = found.missing.endsWith('is in the image');
  const shipped = isInImage ? shippedOptions(named, line.options.find('job.config_file')?.place ?? null) : null;
  context.draft.note(shipped ? `${named} is taken as torchtitan ships it` : `configuration ${found.missing}`);
  return shipped ? line.options.over(shipped) : line.options;
}

const LLAMA = { 'model.name': 'llama3', 'training.seq_len': '8192' };

/** What torchtitan's own train_configs say that bears on memory (torchtitan/models/llama3/train_configs of 0.2). */
const SHIPPED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'llama3_8b.toml': {
    ...LLAMA,
    'model.flavor': '8B',
    'training.local_batch_size': '1',
    'activation_checkpoint.mode': 'selective',
  },
  'llama3_70b.toml': {
    ...LLAMA,
    'model.flavor': '70B',
    'training.local_batch_size': '8',
    'parallelism.tensor_parallel_degree': '8',
    'activation_checkpoint.mode': 'full',
  },
  'llama3_405b.toml': {
    ...LLAMA,
    'model.flavor': '405B',
    'model.converters': 'float8',
    'training.local_batch_size': '2',
    'parallelism.tensor_parallel_degree': '8',
    'activation_checkpoint.mode': 'full',
    'compile.enable': 'true',
  },
};

/** A configuration of the image that lies where torchtitan's own do; null: it is none of them. */
function shippedOptions(named: string, place: SourcePlace | null): Options | null {
  const [, file = ''] = /train_configs\/([\w.-]+)$/.exec(named) ?? [];
  const shipped = Object.hasOwn(SHIPPED, file) ? SHIPPED[file] : undefined;
  if (shipped === undefined) return null;
  return new Options(Object.entries(shipped).map(([name, value]) => ({ name, value, place, unresolved: null })));
}

function readModel({ options }: OptionReader, { draft }: ProgramContext): void {
  const [name, flavor] = [options.find('model.name'), options.find('model.flavor')];
  const wanted = `${asText(name) ?? 'llama3'} ${asText(flavor) ?? 'debugmodel'}`;
  const known = MODELS[wanted];
  const place = (flavor ?? name)?.place ?? null;
  if (known !== undefined) readNamed(draft, known, place);
  else if (flavor || name) draft.leaveOpen('model', `torchtitan's ${wanted} is not known here`);
  else draft.leaveOpen('model', 'the model stands in a configuration of torchtitan that was not given');
}

function readSizes(reader: OptionReader, { draft }: ProgramContext): void {
  reader.count('microBatchSize', 'training.local_batch_size', 'training.batch_size');
  draft.default('microBatchSize', 8, OF);
  if ((asNumber(reader.options.find('training.global_batch_size')) ?? -1) > 0)
    reader.count('globalBatchSize', 'training.global_batch_size');
  reader.count('sequenceLength', 'training.seq_len');
  draft.default('sequenceLength', 2048, OF);
  draft.default('packing', true, { ...OF, note: 'rows are always full' });
  const AC = { none: 'none', selective: 'selective', full: 'full' } as const;
  reader.choice('activationCheckpointing', AC, 'activation_checkpoint.mode');
  draft.default('activationCheckpointing', 'selective', OF);
  reader.choice('optimizer.name', { AdamW: 'adamw', Adam: 'adam' } as const, 'optimizer.name');
  draft.default('optimizer.name', 'adamw', OF);
  const KINDS = { fused: 'fused', foreach: 'foreach', 'for-loop': 'for-loop' } as const;
  reader.choice('optimizer.implementation', KINDS, 'optimizer.implementation');
  draft.default('optimizer.implementation', 'fused', OF);
  draft.default('optimizer.weightDecay', 0.1, OF);
  draft.default('gradientClipping', true, { ...OF, note: 'training.max_norm is 1.0' });
  const compile = reader.truth('compile', 'compile.enable', 'training.compile');
  if (compile) draft.read('compile', compile.value ? 'default' : 'none', compile.place);
}

/** fp32 shards that are gathered in bf16; float8 by a converter of the model. */
function readPrecision(reader: OptionReader, { draft, invocation }: ProgramContext): void {
  const converters = reader.options.find('model.converters');
  if (asTexts(converters)?.some((name) => name.includes('float8')))
    draft.read('precision', 'fp8', converters?.place ?? null);
  reader.choice('precision', { bfloat16: 'bf16' } as const, 'training.dtype');
  reader.choice('precision', { bfloat16: 'amp-bf16', float32: 'fp32' } as const, 'training.mixed_precision_param');
  draft.default('precision', 'amp-bf16', OF);
  if (invocation.name === 'run_train.sh')
    draft.default('allocator', 'expandable_segments:True', { ...OF, note: 'run_train.sh' });
}

function readParallelism(reader: OptionReader, { draft }: ProgramContext): void {
  const degree = (name: string): number => asNumber(reader.options.find(`parallelism.${name}_degree`)) ?? 0;
  reader.count('parallelism.tensor', 'parallelism.tensor_parallel_degree', 'training.tensor_parallel_degree');
  reader.count('parallelism.pipeline', 'parallelism.pipeline_parallel_degree');
  reader.count('parallelism.context', 'parallelism.context_parallel_degree');
  reader.count('parallelism.expert', 'parallelism.expert_parallel_degree');
  const SCHEDULES = { '1F1B': '1f1b', GPipe: 'gpipe', Interleaved1F1B: 'interleaved' } as const;
  reader.choice('parallelism.pipelineSchedule', SCHEDULES, 'parallelism.pipeline_parallel_schedule');
  const tensor = reader.options.find('parallelism.tensor_parallel_degree');
  if (degree('tensor_parallel') > 1) draft.read('parallelism.sequence', true, tensor?.place ?? null);
  const [shard, copies] = [degree('data_parallel_shard'), degree('data_parallel_replicate')];
  const replicated = reader.options.find('parallelism.data_parallel_replicate_degree');
  const place = replicated?.place ?? null;
  if (copies > 1) draft.read('parallelism.sharding', shard === 1 ? 'ddp' : 'hsdp', place);
  if (shard > 1) reader.count('parallelism.shardSize', 'parallelism.data_parallel_shard_degree');
  const RESHARD = { always: 'fsdp-full', never: 'fsdp-grad-op', default: 'fsdp-full' } as const;
  reader.choice('parallelism.sharding', RESHARD, 'parallelism.fsdp_reshard_after_forward');
  draft.default('parallelism.sharding', 'fsdp-full', { ...OF, note: 'data_parallel_shard_degree is -1: all ranks' });
  draft.default('parallelism.fsdpVersion', 2, OF);
  if (asBoolean(reader.options.find('training.enable_cpu_offload')))
    reader.flag('offload.parameters', 'training.enable_cpu_offload');
}
