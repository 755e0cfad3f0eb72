import { plain, worded } from '../../run/program-options.js';
import type { Json } from '../../workload/workload.js';
import { flattened, readOverrides } from '../options/hydra.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount, asText, asTexts, Options } from '../options/option.js';
import type { Option } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import { mergeSays } from '../launchers/peel.js';
import { saidCount } from '../launchers/launcher.js';
import { readCommandLine } from '../options/command-line.js';
import { configFile } from './hf/command-line.js';
import type { Invocation } from './invocation.js';
import { readNamed } from './named-model.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { OUTPUTS_DROPPED } from './steps.js';

const OF = { of: 'nemo' };
const NEMO_1 = /^megatron_(gpt|bert|t5)_[a-z_]*\.py$|^train_gpt_(sft|dpo)\.py$/;
const BRIDGE = /^(run_recipe|pretrain_\w+|finetune_\w+)\.py$/;

/** Recipes of nemo.collections.llm and Megatron-Bridge by the hub's names. */
const RECIPES: Readonly<Record<string, string>> = {
  llama3_8b: 'meta-llama/Meta-Llama-3-8B',
  llama3_70b: 'meta-llama/Meta-Llama-3-70B',
  llama31_8b: 'meta-llama/Llama-3.1-8B',
  llama31_70b: 'meta-llama/Llama-3.1-70B',
  llama31_405b: 'meta-llama/Llama-3.1-405B',
  llama32_1b: 'meta-llama/Llama-3.2-1B',
  llama32_3b: 'meta-llama/Llama-3.2-3B',
  mistral_7b: 'mistralai/Mistral-7B-v0.1',
  mixtral_8x7b: 'mistralai/Mixtral-8x7B-v0.1',
  qwen2_7b: 'Qwen/Qwen2-7B',
  qwen25_7b: 'Qwen/Qwen2.5-7B',
  qwen3_8b: 'Qwen/Qwen3-8B',
  gemma2_9b: 'google/gemma-2-9b',
};

/** NeMo 1 (Hydra), NeMo 2 (`nemo llm pretrain --factory`) and Megatron-Bridge recipes. */
export const nemo: TrainingProgram = {
  id: 'nemo',
  name: 'NeMo and Megatron-Bridge',
  step: OUTPUTS_DROPPED,
  builtOn: ['megatron-core', 'transformer-engine'],
  options: {
    source: 'NeMo 2: collections/llm/recipes; NeMo 1: examples/nlp/language_modeling/conf',
    writers: {
      microBatchSize: plain('data.micro_batch_size', 'override'),
      sequenceLength: plain('data.seq_length', 'override'),
      activationCheckpointing: worded('model.config.recompute_granularity', { full: 'full' }, 'override'),
      'parallelism.tensor': plain('trainer.strategy.tensor_model_parallel_size', 'override'),
    },
  },
  recognise({ kind, name, args }: Invocation): Recognition | null {
    if (kind === 'console' && name === 'nemo') return args[0]?.text === 'llm' ? 'name' : null;
    if (kind === 'script' && NEMO_1.test(name)) return 'script';
    const hasRecipe = args.some(({ text }) => text.startsWith('--recipe'));
    return kind === 'script' && BRIDGE.test(name) && hasRecipe ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const line = readCommandLine(invocation.args, {});
    const overrides = readOverrides(line.positionals);
    const file = fileOf(line.options, context);
    const reader = new OptionReader(overrides.over(file).over(line.options), draft);
    nameProgram(context, { name: nameOf(invocation), package: 'nemo-toolkit' });
    draft.derive('task', 'causal-lm', ['program'], 'the recipes train language models');
    readModel(reader, context);
    readSizes(reader, context);
    readParallelism(reader, context);
    readHow(reader, context);
  },
};

const nameOf = ({ kind, name, args }: Invocation): string =>
  kind === 'console' ? `NeMo llm ${args[1]?.text.slice(0, 20) ?? ''}`.trim() : `NeMo ${name}`;

/** `--config-path DIR --config-name NAME`: a YAML file, most often in the image. */
function fileOf(options: Options, context: ProgramContext): Options {
  const [folder, name] = [asText(options.find('config_path')) ?? '.', asText(options.find('config_name'))];
  if (name === undefined) return new Options();
  return flattened(configFile(`${folder}/${name.replace(/\.yaml$/, '')}.yaml`, context));
}

const DIMENSIONS = [
  ['num_layers', 'num_hidden_layers'],
  ['hidden_size', 'hidden_size'],
  ['ffn_hidden_size', 'intermediate_size'],
  ['num_attention_heads', 'num_attention_heads'],
  ['num_query_groups', 'num_key_value_heads'],
] as const;

function readModel({ options }: OptionReader, { draft }: ProgramContext): void {
  const recipe = options.find('factory', 'recipe');
  const config = configOf(options);
  if (recipe) readRecipe(recipe, draft);
  else if (config) {
    const place = options.find('model.hidden_size')?.place ?? null;
    draft.read('model', { name: 'NeMo model by its dimensions', catalogId: null, config }, place);
  } else draft.leaveOpen('model', whyNoModel(options));
}

/** `llama3_8b`, `llama3_8b_pretrain_config`, `module/llama3_8b(…)`. */
function readRecipe(recipe: Option, draft: RunDraft): void {
  const [name = ''] = (asText(recipe)?.split('/').at(-1) ?? '').split('(');
  const known = Object.keys(RECIPES).find((each) => name === each || name.startsWith(`${each}_`));
  if (known !== undefined) readNamed(draft, RECIPES[known] ?? known, recipe.place);
  else draft.leaveOpen('model', recipe.unresolved ?? `the recipe ${name.slice(0, 60)} is not known here`);
}

/** The architecture by its sizes; null where one that it needs is not given. */
function configOf(options: Options): Record<string, Json> | null {
  const config: Record<string, Json> = { model_type: 'llama', vocab_size: 32000 };
  for (const [key, name] of DIMENSIONS) {
    const value = asCount(options.find(`model.${key}`));
    if (value !== undefined) config[name] = value;
    else if (key !== 'num_query_groups') return null;
  }
  return config;
}

function whyNoModel(options: Options): string {
  const restored = asText(options.find('model.restore_from_path'));
  return restored === undefined
    ? 'the architecture stands in a configuration in the image'
    : `${restored} is a checkpoint whose architecture is not in the manifest`;
}

function readSizes(reader: OptionReader, { draft }: ProgramContext): void {
  const at = (name: string): string[] => [
    `data.${name}`,
    `train.${name}`,
    `model.data.train_ds.${name}`,
    `model.${name}`,
  ];
  reader.count('microBatchSize', ...at('micro_batch_size'));
  reader.count('globalBatchSize', ...at('global_batch_size'));
  reader.count('sequenceLength', ...at('seq_length'), 'model.config.seq_length', 'dataset.seq_length');
  reader.count('sequenceLength', 'model.data.train_ds.max_seq_length', 'model.encoder_seq_length');
  if (reader.options.has('factory', 'recipe')) {
    draft.default('microBatchSize', 1, { ...OF, note: 'recipes' });
    draft.default('globalBatchSize', 512, { ...OF, note: 'pretraining recipes' });
    draft.assume('sequenceLength', 8192, 'recipes pretrain with 8192 tokens and tune with 2048', {
      low: 2048,
      high: 8192,
    });
  }
  draft.default('packing', true, { ...OF, note: 'rows are full' });
}

function readParallelism(reader: OptionReader, context: ProgramContext): void {
  const { draft } = context;
  const at = (name: string): string[] => [`trainer.strategy.${name}`, `model.${name}`];
  reader.count('parallelism.tensor', ...at('tensor_model_parallel_size'));
  reader.count('parallelism.pipeline', ...at('pipeline_model_parallel_size'));
  reader.count('parallelism.context', ...at('context_parallel_size'));
  reader.count('parallelism.expert', ...at('expert_model_parallel_size'));
  reader.count('parallelism.virtualStages', ...at('virtual_pipeline_model_parallel_size'));
  reader.flag('parallelism.sequence', ...at('sequence_parallel'));
  const devices = saidCount(reader.options.find('trainer.devices'));
  const nodes = saidCount(reader.options.find('trainer.num_nodes'));
  if (context.launchers.length === 0) context.says = mergeSays(context.says, { processesPerNode: devices, nodes });
  const optimizer = asText(reader.options.find('model.optim.name'));
  const place = reader.options.find('model.optim.name')?.place ?? null;
  const isSpread = optimizer?.includes('distributed') ?? false;
  if (isSpread) draft.read('parallelism.sharding', 'distributed-optimizer', place);
  else if (optimizer === undefined) defaultSharding(reader);
}

/** Recipes spread the optimizer's states over the ranks, except those that train adapters. */
function defaultSharding({ options, draft }: OptionReader): void {
  const peft = asText(options.find('peft', 'model.peft.peft_scheme'));
  const isAdapted = peft !== undefined && peft !== 'none' && peft !== 'null';
  if (!isAdapted) draft.default('parallelism.sharding', 'distributed-optimizer', { ...OF, note: 'recipes' });
}

const PRECISIONS = {
  bf16: 'bf16',
  'bf16-mixed': 'bf16',
  bf16_mixed: 'bf16',
  '16': 'fp16',
  '16-mixed': 'fp16',
  fp16_mixed: 'fp16',
  '32': 'fp32',
  bf16_with_fp8_mixed: 'fp8',
  bf16_with_fp8_current_scaling_mixed: 'fp8',
} as const;

/** Weights of 16 bits with fp32 main weights and gradients, as Megatron holds them. */
function readHow(reader: OptionReader, { draft }: ProgramContext): void {
  reader.choice('precision', PRECISIONS, 'trainer.precision', 'trainer.plugins', 'mixed_precision');
  draft.default('precision', 'bf16', { ...OF, note: 'recipes' });
  const AC = { full: 'full', selective: 'selective', none: 'none' } as const;
  const names = ['model.config.recompute_granularity', 'model.recompute_granularity'];
  reader.choice('activationCheckpointing', AC, ...names, 'model.activations_checkpoint_granularity');
  const METHODS = {
    lora: 'lora',
    dora: 'dora',
    none: 'none',
    ia3: 'ia3',
    adapter: 'adapter',
    ptuning: 'prompt',
  } as const;
  reader.choice('peft.method', METHODS, 'peft', 'model.peft.peft_scheme');
  reader.count('peft.rank', 'peft.dim', 'model.peft.lora_tuning.adapter_dim');
  const targets = reader.options.find('peft.target_modules', 'model.peft.lora_tuning.target_modules');
  const names2 = asTexts(targets);
  if (names2) draft.read('peft.targetModules', names2.slice(0, 100), targets?.place ?? null);
  if (draft.value('peft.method') === 'lora') draft.default('peft.rank', 32, OF);
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('optimizer.implementation', 'fused', { ...OF, note: 'Transformer Engine or Apex' });
  draft.default('gradientClipping', true, { ...OF, note: 'clip_grad is 1.0' });
  draft.default('kernels', ['transformer-engine'], OF);
  draft.default('attention', 'flash-attention-2', { ...OF, note: 'Transformer Engine' });
}
