import { plain, worded } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asText, asTexts, Options } from '../options/option.js';
import { readToml } from '../options/toml.js';
import { acceleratePrecision } from './hf/precision.js';
import type { Option } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import { readResidents } from './diffusion-parts.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { ACCELERATE_STEP } from './steps.js';

const OF = { of: 'sd-scripts' };

/** Scripts and whether they train a network beside the model (kohya-ss/sd-scripts). */
const SCRIPTS: Readonly<Record<string, 'network' | 'model'>> = {
  'train_network.py': 'network',
  'sdxl_train_network.py': 'network',
  'flux_train_network.py': 'network',
  'sd3_train_network.py': 'network',
  'lumina_train_network.py': 'network',
  'sdxl_train.py': 'model',
  'flux_train.py': 'model',
  'sd3_train.py': 'model',
  'fine_tune.py': 'model',
  'train_db.py': 'model',
};

const SWITCHES: ReadonlySet<string> = new Set([
  'gradient_checkpointing',
  'full_fp16',
  'full_bf16',
  'fp8_base',
  'fp8_base_unet',
  'use_8bit_adam',
  'xformers',
  'sdpa',
  'mem_eff_attn',
  'cache_latents',
  'cache_latents_to_disk',
  'cache_text_encoder_outputs',
  'cache_text_encoder_outputs_to_disk',
  'network_train_unet_only',
  'enable_bucket',
  'no_half_vae',
  'torch_compile',
  'lowram',
  'deepspeed',
]);

const OPTIMIZERS: Readonly<Record<string, readonly [string, string]>> = {
  adamw: ['adamw', 'foreach'],
  adamw8bit: ['adamw', '8bit'],
  pagedadamw: ['adamw', 'paged'],
  pagedadamw8bit: ['adamw', 'paged-8bit'],
  lion: ['lion', 'for-loop'],
  lion8bit: ['lion', '8bit'],
  pagedlion8bit: ['lion', 'paged-8bit'],
  sgdnesterov: ['sgd', 'foreach'],
  adafactor: ['adafactor', 'for-loop'],
};

/** kohya's sd-scripts: flags, `--config_file` in TOML, images in `--dataset_config`. */
export const sdScripts: TrainingProgram = {
  id: 'sd-scripts',
  name: 'kohya sd-scripts',
  step: ACCELERATE_STEP,
  builtOn: ['diffusers', 'transformers', 'accelerate'],
  options: {
    source: 'kohya-ss/sd-scripts: library/train_util.py',
    writers: {
      microBatchSize: plain('--train_batch_size'),
      gradientAccumulationSteps: plain('--gradient_accumulation_steps'),
      activationCheckpointing: worded('--gradient_checkpointing', { full: '' }),
      'optimizer.implementation': worded('--optimizer_type', { '8bit': 'AdamW8bit' }),
      'peft.rank': plain('--network_dim'),
      attention: worded('--sdpa', { sdpa: '' }),
    },
  },
  recognise({ kind, name }: Invocation): Recognition | null {
    return kind === 'script' && Object.hasOwn(SCRIPTS, name) ? 'script' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(settingsOf(context), draft);
    nameProgram(context, { name: `sd-scripts ${invocation.name}`, package: 'sd-scripts' });
    readModelName(reader, draft, 'pretrained_model_name_or_path');
    draft.derive('task', 'diffusion', ['program'], `${invocation.name} trains a diffusion model`);
    readSizes(reader, context);
    readPrecision(reader, context);
    readOptimizer(reader, context);
    readNetwork(reader, context);
    readEncoders(reader, context);
  },
};

/** A dataset configuration wins over flags; those over `--config_file`. */
function settingsOf(context: ProgramContext): Options {
  const { options } = readCommandLine(context.invocation.args, { switches: SWITCHES });
  const config = tomlNamed(asText(options.find('config_file')), context);
  const dataset = tomlNamed(asText(options.find('dataset_config')), context);
  const inner = dataset.all().filter(({ name }) => name.endsWith('batch_size') || name.endsWith('resolution'));
  const images = inner.map((option) => ({
    ...option,
    name: option.name.endsWith('batch_size') ? 'train_batch_size' : 'resolution',
  }));
  return new Options(images).over(options).over(config);
}

function tomlNamed(path: string | undefined, { files, invocation, draft }: ProgramContext): Options {
  if (path === undefined) return new Options();
  const found = files.read(path, invocation.cwd);
  if ('content' in found) return readToml(found.content);
  draft.note(`configuration ${found.missing}`);
  return new Options();
}

/** `--resolution 1024` or `W,H`; there is no default. */
function readSizes(reader: OptionReader, { draft }: ProgramContext): void {
  reader.count('microBatchSize', 'train_batch_size');
  if (!draft.isOpen('microBatchSize')) draft.default('microBatchSize', 1, OF);
  reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
  readResolution(reader.options.find('resolution'), draft);
  const tokens = reader.count('sequenceLength', 'max_token_length');
  if (tokens === undefined) draft.default('sequenceLength', 77, { ...OF, note: 'tokens of the prompt' });
}

function readResolution(found: Option | undefined, draft: RunDraft): void {
  const reason = found?.unresolved ?? 'nothing says the resolution of the images';
  const [width, height = width] = (asTexts(found) ?? []).map(Number);
  if (width === undefined || height === undefined) draft.leaveOpen('imageSize', reason, 'imageSize: [1024, 1024]');
  else draft.read('imageSize', [height, width], found?.place ?? null);
}

function readPrecision(reader: OptionReader, context: ProgramContext): void {
  const { draft } = context;
  reader.on('precision', 'bf16', 'full_bf16');
  reader.on('precision', 'fp16', 'full_fp16');
  const MIXED = { fp16: 'amp-fp16', bf16: 'amp-bf16', no: 'fp32' } as const;
  reader.choice('precision', MIXED, 'mixed_precision');
  const amp = acceleratePrecision(context);
  if (amp) draft.read('precision', amp.value, amp.place);
  reader.on('quantization', 'fp8', 'fp8_base', 'fp8_base_unet');
  reader.on('attention', 'xformers', 'xformers');
  reader.on('attention', 'sdpa', 'sdpa');
  draft.default('attention', 'eager', { ...OF, note: 'neither --xformers nor --sdpa' });
  reader.on('activationCheckpointing', 'full', 'gradient_checkpointing');
}

function readOptimizer(reader: OptionReader, { draft }: ProgramContext): void {
  const found = reader.text('optimizer.name', 'optimizer_type');
  const known = found && OPTIMIZERS[found.value.toLowerCase()];
  if (found && known) {
    draft.read('optimizer.name', known[0], found.place);
    draft.read('optimizer.implementation', known[1], found.place);
  } else if (found) draft.leaveOpen('optimizer.name', `the optimizer ${found.value.slice(0, 60)} is not known here`);
  reader.on('optimizer.implementation', '8bit', 'use_8bit_adam');
  draft.default('optimizer.name', 'adamw', OF);
  draft.default('gradientClipping', true, { ...OF, note: 'max_grad_norm is 1.0' });
}

function readNetwork(reader: OptionReader, { draft, invocation }: ProgramContext): void {
  if (SCRIPTS[invocation.name] !== 'network') return;
  const module = reader.text('peft.method', 'network_module');
  if (module && !module.value.startsWith('networks.lora'))
    draft.leaveOpen('peft.method', `the network ${module.value.slice(0, 60)} is not known here`);
  draft.derive('peft.method', 'lora', ['program'], `${invocation.name} trains a network beside the model`);
  reader.count('peft.rank', 'network_dim');
  draft.default('peft.rank', 4, OF);
  const only = reader.truth('program', 'network_train_unet_only');
  if (only?.value !== true) draft.note('the text encoders get adapters too, which are not counted');
}

/** What is not computed in half precision is held in fp32. */
const HALF: Readonly<Record<string, 'fp16' | 'bf16'>> = {
  'amp-fp16': 'fp16',
  'amp-bf16': 'bf16',
  fp16: 'fp16',
  bf16: 'bf16',
};

/**
 * The VAE leaves the device where latents are cached, text encoders where their outputs are (train_util.py and
 * train_network.py: `vae.to("cpu")`, `cache_text_encoder_outputs_if_needed`).
 */
function readEncoders(reader: OptionReader, { draft, invocation }: ProgramContext): void {
  const on = (...names: readonly string[]): boolean => names.some((name) => reader.truth('task', name)?.value === true);
  const half = HALF[String(draft.value('precision'))] ?? 'fp32';
  const isCached = on('cache_latents', 'cache_latents_to_disk');
  const isRead = on('cache_text_encoder_outputs', 'cache_text_encoder_outputs_to_disk');
  readResidents(draft, {
    of: 'sd-scripts',
    vae: isCached ? null : on('no_half_vae') ? 'fp32' : half,
    text: isRead ? null : half,
    note: `${invocation.name} encodes each batch`,
  });
}
