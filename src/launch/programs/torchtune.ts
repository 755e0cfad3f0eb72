import { OUTPUTS_DROPPED } from './steps.js';
import { plain, worded } from '../../run/program-options.js';
import { mergeSays } from '../launchers/peel.js';
import { environmentOption, saidCount } from '../launchers/launcher.js';
import { nodesOf, processesOf, TORCHRUN_SWITCHES } from '../launchers/torchrun.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Option } from '../options/option.js';
import { asBoolean, asCount, asText, Options, textOption } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import type { Task } from '../../run/training-run.js';
import type { Tracked } from '../text/tracked.js';
import type { Invocation } from './invocation.js';
import { configFile } from './hf/command-line.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { evaluates, pairsAnswers } from './beside.js';
import { nameProgram } from './program.js';
import type { TorchtunePreset } from './torchtune-presets.js';
import { TORCHTUNE_PRESETS } from './torchtune-presets.js';

const OF = { of: 'torchtune' };

/** Model builders of torchtune by family, with the hub's name of each. */
const MODELS: Readonly<Record<string, string>> = {
  llama2_7b: 'meta-llama/Llama-2-7b-hf',
  llama2_13b: 'meta-llama/Llama-2-13b-hf',
  llama2_70b: 'meta-llama/Llama-2-70b-hf',
  code_llama2_7b: 'codellama/CodeLlama-7b-hf',
  llama3_8b: 'meta-llama/Meta-Llama-3-8B',
  llama3_70b: 'meta-llama/Meta-Llama-3-70B',
  llama3_1_8b: 'meta-llama/Llama-3.1-8B',
  llama3_1_70b: 'meta-llama/Llama-3.1-70B',
  llama3_1_405b: 'meta-llama/Llama-3.1-405B',
  llama3_2_1b: 'meta-llama/Llama-3.2-1B',
  llama3_2_3b: 'meta-llama/Llama-3.2-3B',
  llama3_3_70b: 'meta-llama/Llama-3.3-70B-Instruct',
  mistral_7b: 'mistralai/Mistral-7B-v0.1',
  gemma_2b: 'google/gemma-2b',
  gemma_7b: 'google/gemma-7b',
  gemma2_2b: 'google/gemma-2-2b',
  gemma2_9b: 'google/gemma-2-9b',
  gemma2_27b: 'google/gemma-2-27b',
  phi3_mini: 'microsoft/Phi-3-mini-4k-instruct',
  phi4_14b: 'microsoft/phi-4',
  qwen2_0_5b: 'Qwen/Qwen2-0.5B',
  qwen2_1_5b: 'Qwen/Qwen2-1.5B',
  qwen2_7b: 'Qwen/Qwen2-7B',
  qwen2_5_0_5b: 'Qwen/Qwen2.5-0.5B',
  qwen2_5_1_5b_instruct: 'Qwen/Qwen2.5-1.5B-Instruct',
  qwen2_5_3b: 'Qwen/Qwen2.5-3B',
  qwen2_5_7b_instruct: 'Qwen/Qwen2.5-7B-Instruct',
  qwen2_5_14b_instruct: 'Qwen/Qwen2.5-14B-Instruct',
  qwen2_5_32b_instruct: 'Qwen/Qwen2.5-32B-Instruct',
  qwen2_5_72b_instruct: 'Qwen/Qwen2.5-72B-Instruct',
};

/** `tune run [torchrun flags] RECIPE --config NAME [key=value …]`. */
export const torchtune: TrainingProgram = {
  id: 'torchtune',
  name: 'torchtune',
  /** The recipes delete the logits before backward (recipes/full_finetune_single_device.py, `_loss_step`). */
  step: OUTPUTS_DROPPED,
  builtOn: [],
  options: {
    source: 'torchtune 0.6: recipes/configs',
    writers: {
      microBatchSize: plain('batch_size', 'override'),
      gradientAccumulationSteps: plain('gradient_accumulation_steps', 'override'),
      activationCheckpointing: worded('enable_activation_checkpointing', { full: 'True' }, 'override'),
      'optimizer.implementation': worded('optimizer.fused', { fused: 'True' }, 'override'),
      sequenceLength: plain('tokenizer.max_seq_len', 'override'),
    },
  },
  recognise: ({ kind, name, args }: Invocation): Recognition | null =>
    kind === 'console' && name === 'tune' && args[0]?.text === 'run' ? 'name' : null,
  read(context: ProgramContext): void {
    const { draft } = context;
    const { recipe, rest } = launch(context);
    const { options, preset, config } = settingsOf(rest, recipe, context);
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: `torchtune ${recipe}`, package: 'torchtune' });
    draft.derive('task', taskOf(recipe), ['program'], `what ${recipe} trains`);
    readModel(reader, context, { preset, config });
    readTraining(reader, context, preset);
    readAdapter(reader, context, { recipe, preset });
    readSharding(reader, context, recipe);
    readOthers(reader, context, recipe);
  },
};

const taskOf = (recipe: string): Task =>
  recipe.includes('dpo') ? 'preference' : recipe.startsWith(DISTILLATION) ? 'distillation' : 'causal-lm';

const DISTILLATION = 'knowledge_distillation';
/** Recipes that train adapters. */
const ADAPTS = /^(?:lora|knowledge_distillation)/;

/** The frozen teacher of distillation, the frozen reference of full DPO (recipes/knowledge_distillation_*.py, full_dpo_*.py). */
function readOthers(reader: OptionReader, { draft }: ProgramContext, recipe: string): void {
  if (recipe.startsWith(DISTILLATION)) readTeacher(reader, holdsFrozen(draft, 'student', 'teacher'));
  if (recipe.includes('dpo')) pairsAnswers(draft);
  if (recipe.startsWith('full_dpo')) holdsFrozen(draft, 'policy', 'reference');
}

function holdsFrozen(draft: RunDraft, role: string, other: string): RunDraft {
  draft.role = role;
  const held = draft.beside(other);
  evaluates(held, 'causal-lm', { of: 'torchtune', note: 'frozen' });
  held.default('sharing.turn', 'within-step', { of: 'torchtune', note: 'between forward and backward' });
  return held;
}

function readTeacher(reader: OptionReader, teacher: RunDraft): void {
  const component = optionAt(reader, 'teacher_model._component_');
  const name = MODELS[asText(component)?.split('.').at(-1) ?? ''];
  if (name) teacher.read('model', { name, catalogId: null, config: null }, component?.place ?? null);
  else teacher.leaveOpen('model', 'nothing says which model teaches');
}

/** torchrun's flags stand between `run` and the recipe; single-device recipes are one process. */
function launch(context: ProgramContext): { recipe: string; rest: readonly Tracked[] } {
  const { args, env } = context.invocation;
  const { options, rest } = readCommandLine(args.slice(1), { switches: TORCHRUN_SWITCHES, stopsAtPositional: true });
  const recipe = rest[0]?.text ?? '';
  const flag = (name: string): Option | undefined =>
    options.find(name) ?? environmentOption(env, `PET_${name.toUpperCase()}`);
  const isSingle = recipe.includes('single_device');
  const processes = flag('nproc_per_node');
  context.says = mergeSays(context.says, {
    processesPerNode: isSingle
      ? { value: 1, place: null }
      : processes
        ? processesOf(processes)
        : { value: 'gpu', place: null },
    nodes: saidCount(flag('nnodes')) ?? nodesOf(flag('nnodes')),
  });
  return { recipe, rest: rest.slice(1) };
}

interface Settings {
  options: Options;
  /** The shipped configuration that is named. */
  preset: TorchtunePreset | null;
  config: Option | null;
}

function settingsOf(rest: readonly Tracked[], recipe: string, context: ProgramContext): Settings {
  const { options, positionals } = readCommandLine(rest, {});
  const overrides = new Options(positionals.flatMap(override));
  const config = options.find('config') ?? null;
  const name = asText(config ?? undefined);
  const preset =
    TORCHTUNE_PRESETS.find((known) => known[1] === name && known[0] === recipe) ??
    TORCHTUNE_PRESETS.find((known) => known[1] === name) ??
    null;
  const isFile = name !== undefined && preset === null && (name.endsWith('.yaml') || name.endsWith('.yml'));
  return { options: isFile ? overrides.over(configFile(name, context)) : overrides, preset, config };
}

function override(word: Tracked): Option[] {
  const equals = word.text.indexOf('=');
  return equals > 0 ? [textOption(word.text.slice(0, equals), word.slice(equals + 1))] : [];
}

/** An option by its dotted path, whether it stands nested in a file or dotted on the command line. */
const optionAt = (reader: OptionReader, path: string): Option | undefined => reader.options.at(path);

function readModel(
  reader: OptionReader,
  { draft }: ProgramContext,
  { preset, config }: Pick<Settings, 'preset' | 'config'>,
): void {
  const component = optionAt(reader, 'model._component_');
  const builder = asText(component)?.split('.').at(-1) ?? preset?.[2];
  const name = builder && MODELS[builder.replace('qlora_', '').replace('lora_', '')];
  if (name) draft.read('model', { name, catalogId: null, config: null }, (component ?? config)?.place ?? null);
  else draft.leaveOpen('model', whyNoModel(builder, config));
}

function whyNoModel(builder: string | undefined, config: Option | null): string {
  if (builder !== undefined) return `torchtune's ${builder} is not known here`;
  return `configuration ${asText(config ?? undefined) ?? ''} is not one of torchtune's and was not given`;
}

function readTraining(reader: OptionReader, { draft }: ProgramContext, preset: TorchtunePreset | null): void {
  reader.count('microBatchSize', 'batch_size');
  reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
  if (preset) draft.default('microBatchSize', preset[3], { ...OF, note: preset[1] });
  if (preset) draft.default('gradientAccumulationSteps', preset[4], { ...OF, note: preset[1] });
  readLength(reader, { draft });
  reader.choice('precision', { bf16: 'bf16', fp32: 'fp32' } as const, 'dtype');
  draft.default('precision', 'bf16', { ...OF, note: 'weights, gradients and states in bf16' });
  readCheckpointing(reader, { draft }, preset);
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('optimizer.implementation', preset?.[5] ?? 'fused', {
    ...OF,
    note: preset?.[1] ?? 'as in most shipped configurations',
  });
  draft.default('optimizer.weightDecay', 0.01, { of: 'torch' });
  draft.default('loss', 'chunked', { ...OF, note: 'CEWithChunkedOutputLoss' });
  const compile = reader.truth('compile', 'compile');
  if (compile) draft.read('compile', compile.value ? 'default' : 'none', compile.place);
}

/** Rows are as long as the data unless they are packed; shipped configurations set no length. */
function readLength(reader: OptionReader, { draft }: Pick<ProgramContext, 'draft'>): void {
  const length = optionAt(reader, 'tokenizer.max_seq_len') ?? optionAt(reader, 'max_seq_len');
  const value = asCount(length);
  if (length && value !== undefined) draft.read('sequenceLength', value, length.place);
  const packed = optionAt(reader, 'dataset.packed');
  if (packed && asBoolean(packed) !== undefined) draft.read('packing', asBoolean(packed), packed.place);
  draft.assume(
    'sequenceLength',
    512,
    'no tokenizer.max_seq_len: rows are as long as the data, some hundred tokens for instruction data',
    { low: 256, high: 2048 },
  );
}

function readCheckpointing(
  reader: OptionReader,
  { draft }: Pick<ProgramContext, 'draft'>,
  preset: TorchtunePreset | null,
): void {
  const checkpointing = reader.truth('activationCheckpointing', 'enable_activation_checkpointing');
  if (checkpointing) draft.read('activationCheckpointing', checkpointing.value ? 'full' : 'none', checkpointing.place);
  if (preset)
    draft.default('activationCheckpointing', preset[7].includes('C') ? 'full' : 'none', { ...OF, note: preset[1] });
  reader.flag('offload.activations', 'enable_activation_offloading');
  if (preset) draft.default('offload.activations', preset[7].includes('O'), { ...OF, note: preset[1] });
}

/** Names of the linear layers that a LoRA builder adapts, as the hub's models call them. */
function adaptedModules(traits: string): string[] {
  const mlp = traits.includes('M') ? ['gate_proj', 'down_proj', 'up_proj'] : [];
  return ['q_proj', 'v_proj', 'o_proj', ...mlp, ...(traits.includes('H') ? ['lm_head'] : [])];
}

function readAdapter(
  reader: OptionReader,
  { draft }: ProgramContext,
  { recipe, preset }: { recipe: string; preset: TorchtunePreset | null },
): void {
  if (!ADAPTS.test(recipe)) return;
  const traits = preset?.[7] ?? '';
  draft.derive('peft.method', traits.includes('D') ? 'dora' : 'lora', ['program'], `${recipe} trains adapters`);
  const rank = optionAt(reader, 'model.lora_rank');
  const value = asCount(rank);
  if (rank && value !== undefined) draft.read('peft.rank', value, rank.place);
  const quantized = optionAt(reader, 'model.quantize_base');
  if (quantized && asBoolean(quantized)) draft.read('quantization', 'nf4', quantized.place);
  if (preset) adapterOfPreset(preset, draft);
  draft.default('peft.rank', 8, { ...OF, note: 'LoRA builders' });
}

function adapterOfPreset([, note, , , , , rank, traits]: TorchtunePreset, draft: RunDraft): void {
  if (rank > 0) draft.default('peft.rank', rank, { ...OF, note });
  draft.default('peft.targetModules', adaptedModules(traits), { ...OF, note });
  if (traits.includes('Q')) draft.default('quantization', 'nf4', { ...OF, note });
}

/** Distributed recipes shard with FSDP2 over all ranks. */
function readSharding(reader: OptionReader, { draft }: ProgramContext, recipe: string): void {
  if (!recipe.includes('distributed')) return;
  reader.choice(
    'parallelism.sharding',
    { true: 'fsdp-full', True: 'fsdp-full', false: 'fsdp-grad-op', False: 'fsdp-grad-op' } as const,
    'fsdp_reshard_after_forward',
  );
  draft.default('parallelism.sharding', 'fsdp-full', OF);
  draft.default('parallelism.fsdpVersion', 2, OF);
  reader.flag('offload.parameters', 'fsdp_cpu_offload');
  reader.count('parallelism.tensor', 'tensor_parallel_dim');
}
