import { plain, side, worded } from '../../run/program-options.js';
import { mergeSays } from '../launchers/peel.js';
import { saidCount } from '../launchers/launcher.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Option } from '../options/option.js';
import { asBoolean, asCount, asNumber, asText, Options } from '../options/option.js';
import { readStructured } from '../options/structured.js';
import { readModelName } from './hf/model.js';
import type { RunDraft } from '../run-draft.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { ACCELERATE_STEP } from './steps.js';

const OF = { of: 'simpletuner' };
const CONSOLES: ReadonlySet<string> = new Set(['simpletuner', 'simpletuner-train']);
/** Flags that only it has. */
const OWN = ['model_family', 'data_backend_config'];
const QUANTIZED: Readonly<Record<string, string>> = {
  no_change: 'none',
  'int8-quanto': 'int8',
  'int8-torchao': 'int8',
  'int4-quanto': 'int4',
  'int4-torchao': 'int4',
  'fp8-quanto': 'fp8',
  'fp8uz-quanto': 'fp8',
  'fp8-torchao': 'fp8',
  'fp8-native': 'fp8',
  'nf4-bnb': 'nf4',
};
const ATTENTIONS = { diffusers: 'sdpa', xformers: 'xformers', 'flash-attn': 'flash-attention-2' } as const;
/** Where the weights and both states are kept in bf16, they are rounded by chance (adamw_bf16). */
const OPTIMIZERS: Readonly<Record<string, readonly [string, string]>> = {
  adamw_bf16: ['adamw', 'for-loop'],
  'torch-adamw': ['adamw', 'foreach'],
  'torch-adamw-fused': ['adamw', 'fused'],
  adafactor: ['adafactor', 'for-loop'],
  'bnb-adamw': ['adamw', 'for-loop'],
  'bnb-adamw8bit': ['adamw', '8bit'],
  'bnb-adamw-paged': ['adamw', 'paged'],
  'bnb-adamw8bit-paged': ['adamw', 'paged-8bit'],
  'bnb-lion8bit': ['lion', '8bit'],
};
/** Ways of keeping weights in the host's memory. */
const OFFLOADS = ['enable_group_offload', 'ramtorch'];

/** SimpleTuner: `simpletuner train`, `train.py --model_family …`, its settings in `config/config.json`. */
export const simpletuner: TrainingProgram = {
  id: 'simpletuner',
  name: 'SimpleTuner',
  step: ACCELERATE_STEP,
  builtOn: ['diffusers', 'transformers', 'accelerate', 'peft'],
  options: {
    source: 'simpletuner: field_registry/sections',
    writers: {
      microBatchSize: plain('--train_batch_size'),
      gradientAccumulationSteps: plain('--gradient_accumulation_steps'),
      imageSize: side('--resolution'),
      'peft.rank': plain('--lora_rank'),
      quantization: worded('--base_model_precision', { int8: 'int8-quanto', nf4: 'nf4-bnb' }),
      'optimizer.implementation': worded('--optimizer', { '8bit': 'bnb-adamw8bit' }),
    },
  },
  recognise(invocation: Invocation): Recognition | null {
    const { kind, name } = invocation;
    if (kind === 'console') return recogniseConsole(invocation);
    if (kind === 'module') return /^simpletuner(\.|$)/.test(name) ? 'name' : null;
    const isOwn = invocation.args.some(({ text }) => OWN.some((flag) => text.startsWith(`--${flag}`)));
    return kind === 'script' && isOwn ? 'flags' : null;
  },
  read(context: ProgramContext): void {
    const { draft } = context;
    const reader = new OptionReader(settingsOf(context), draft);
    nameProgram(context, { name: 'SimpleTuner', package: 'simpletuner' });
    const processes = saidCount(reader.options.find('num_processes'));
    if (processes) context.says = mergeSays(context.says, { worldSize: processes });
    readModel(reader);
    draft.derive('task', 'diffusion', ['program'], 'SimpleTuner trains diffusion models');
    reader.count('microBatchSize', 'train_batch_size');
    draft.default('microBatchSize', 4, OF);
    reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
    readImage(reader);
    readHow(reader);
    readAdapter(reader);
    readPlacement(reader);
  },
};

function recogniseConsole({ name, args, cwd }: Invocation): Recognition | null {
  if (name === 'train.sh' && /simpletuner/i.test(cwd ?? '')) return 'script';
  return CONSOLES.has(name) && args[0]?.text !== 'server' ? 'name' : null;
}

/** Flags over the configuration file, whose keys may be written with their dashes. */
function settingsOf(context: ProgramContext): Options {
  const { invocation, files, draft } = context;
  const line = readCommandLine(invocation.args, {}).options;
  const given = ['SIMPLETUNER_ENV', 'ENV'].map((name) => invocation.env.get(name)).find((value) => value?.text);
  const folder = asText(line.find('env')) ?? given?.text;
  const path = folder === undefined || folder === 'default' ? 'config/config.json' : `config/${folder}/config.json`;
  const found = files.read(path, invocation.cwd);
  const parsed = 'content' in found ? readStructured(found.content) : { problem: found.missing };
  if ('options' in parsed) return line.over(new Options(parsed.options.all().map(withoutDashes)));
  if (!line.has(...OWN)) draft.note(`configuration ${parsed.problem}`);
  return line;
}

const withoutDashes = (option: Option): Option => ({ ...option, name: option.name.replace(/^-+/, '') });

/** The family alone says no dimensions; the checkpoint's name does. */
function readModel(reader: OptionReader): void {
  const { draft, options } = reader;
  readModelName(reader, draft, 'pretrained_transformer_model_name_or_path', 'pretrained_model_name_or_path');
  if (draft.has('model')) return;
  const family = options.find('model_family');
  const name =
    FLAVOURS[`${asText(family) ?? ''} ${asText(options.find('model_flavour')) ?? ''}`.trim()] ?? asText(family);
  if (name !== undefined) draft.read('model', { name, catalogId: null, config: null }, family?.place ?? null);
}

/** Checkpoints that a family stands for by default. */
const FLAVOURS: Readonly<Record<string, string>> = {
  sdxl: 'stabilityai/stable-diffusion-xl-base-1.0',
  sd1x: 'stable-diffusion-v1-5/stable-diffusion-v1-5',
  flux: 'black-forest-labs/FLUX.1-dev',
  'flux dev': 'black-forest-labs/FLUX.1-dev',
  'flux schnell': 'black-forest-labs/FLUX.1-schnell',
  flux2: 'black-forest-labs/FLUX.2-dev',
  sd3: 'stabilityai/stable-diffusion-3.5-medium',
};

/** Families whose prompts only CLIP reads. */
const CLIP_ONLY = /^sd(?:xl|1x|2x)/;

/** `resolution` is in pixels, or in megapixels where its type says so; images keep their area, not their shape. */
function readImage({ options, draft }: OptionReader): void {
  const found = options.find('resolution');
  if (found?.unresolved) draft.leaveOpen('imageSize', found.unresolved);
  const pixels = pixelsOf(asNumber(found) ?? 0, asText(options.find('resolution_type')) === 'area');
  if (pixels >= 1) draft.read('imageSize', [pixels, pixels], found?.place ?? null);
  draft.default('imageSize', [1024, 1024], OF);
  readPromptLength(options, draft);
}

/** Of a square of so many megapixels: the side, to the 64 that latents need. */
const pixelsOf = (resolution: number, isArea: boolean): number =>
  isArea ? Math.round((Math.sqrt(resolution) * 1000) / 64) * 64 : resolution;

function readPromptLength(options: Options, draft: RunDraft): void {
  const isClip = CLIP_ONLY.test(asText(options.find('model_family')) ?? '');
  const tokens = asCount(options.find('tokenizer_max_length')) ?? (isClip ? 77 : 512);
  draft.default('sequenceLength', tokens, { ...OF, note: 'tokens of the prompt' });
}

function readHow(reader: OptionReader): void {
  const { draft, options } = reader;
  reader.choice('precision', { no: 'fp32', fp16: 'amp-fp16', bf16: 'amp-bf16' } as const, 'mixed_precision');
  draft.default('precision', 'amp-bf16', OF);
  if (draft.value('precision') === 'amp-bf16') draft.default('weights', 'bf16', { ...OF, note: 'weights of 16 bits' });
  const optimizer = reader.word('optimizer.name', OPTIMIZERS, 'optimizer');
  if (optimizer) {
    draft.read('optimizer.name', optimizer.value[0], optimizer.place);
    draft.read('optimizer.implementation', optimizer.value[1], optimizer.place);
  }
  if (options.has('optimizer') && !optimizer)
    draft.leaveOpen('optimizer.name', `the optimizer ${asText(options.find('optimizer')) ?? ''} is not known`);
  draft.default('optimizer.name', 'adamw', { ...OF, note: 'adamw_bf16' });
  draft.default('optimizer.implementation', 'for-loop', { ...OF, note: 'adamw_bf16' });
  draft.default('gradientClipping', true, { ...OF, note: 'max_grad_norm is 2.0' });
  const checkpointing = reader.truth('activationCheckpointing', 'gradient_checkpointing');
  if (checkpointing) draft.read('activationCheckpointing', checkpointing.value ? 'full' : 'none', checkpointing.place);
  const every = asCount(options.find('gradient_checkpointing_interval'));
  if (every !== undefined && every > 1) draft.note(`every ${every}th block is recomputed: taken for each`);
  draft.assume('activationCheckpointing', 'full', 'on in the form of settings, off on the bare command line', {
    low: 'full',
    high: 'none',
  });
  reader.choice('attention', ATTENTIONS, 'attention_mechanism');
}

function readAdapter(reader: OptionReader): void {
  const { draft, options } = reader;
  const isLycoris = asText(options.find('lora_type')) === 'lycoris';
  const type = reader.word('peft.method', { lora: 'lora', full: 'none' } as const, 'model_type');
  reader.choice('quantization', QUANTIZED, 'base_model_precision');
  if (type?.value === 'lora' && isLycoris)
    draft.leaveOpen('peft.method', 'LyCORIS networks are of many kinds (lycoris_config)', LORA);
  else if (type) draft.read('peft.method', type.value, type.place);
  if (type?.value !== 'lora') return;
  reader.count('peft.rank', 'lora_rank');
  draft.default('peft.rank', 16, OF);
  draft.default('peft.targetModules', ['to_k', 'to_q', 'to_v', 'to_out.0'], OF);
  if (draft.value('weights') === 'bf16') draft.default('peft.weights', 'bf16', { ...OF, note: 'as the weights' });
}

const LORA = 'peft: {method: lora, rank: 16}';

/** What stays where: a moving average lies in the host's memory unless it is told otherwise. */
function readPlacement(reader: OptionReader): void {
  const { draft, options } = reader;
  const device = asText(options.find('ema_device')) ?? 'cpu';
  if (device !== 'cpu') reader.on('ema', true, 'use_ema');
  readSharding(options, draft);
  reader.count('parallelism.context', 'context_parallel_size');
  const offload = OFFLOADS.find((name) => asBoolean(options.find(name)));
  const swapped = asCount(options.find('musubi_blocks_to_swap'));
  if (offload !== undefined || swapped !== undefined)
    draft.leaveOpen('offload.parameters', `${offload ?? 'musubi_blocks_to_swap'} keeps weights in the host's memory`);
  if (asBoolean(options.find('train_text_encoder')))
    draft.leaveOpen('program', 'the text encoder is trained too: its memory is not worked out');
}

function readSharding(options: Options, draft: RunDraft): void {
  const fsdp = options.find('fsdp_enable');
  if (!asBoolean(fsdp)) return;
  const reshards = asBoolean(options.find('fsdp_reshard_after_forward')) !== false;
  draft.read('parallelism.sharding', reshards ? 'fsdp-full' : 'fsdp-grad-op', fsdp?.place ?? null);
  draft.default('parallelism.fsdpVersion', 2, OF);
}
