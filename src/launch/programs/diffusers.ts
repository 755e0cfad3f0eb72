import { ON, plain, side, worded } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import { asCount } from '../options/option.js';
import { acceleratePrecision } from './hf/precision.js';
import { readResidents } from './diffusion-parts.js';
import { readModelName } from './hf/model.js';
import { readAccelerateSharding } from './hf/sharding.js';
import type { RunDraft } from '../run-draft.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { ACCELERATE_STEP } from './steps.js';

/** Defaults of one example script: resolution, batch, and whether only adapters are trained. */
interface Example {
  resolution: number;
  batch: number;
  lora?: boolean;
  /** Tokens of T5, where the script has them. */
  tokens?: number;
  /** Type in which the VAE encodes each batch: that of the frozen weights, or fp32; left out: latents are made beforehand. */
  vae?: 'half' | 'fp32';
  /** Text encoders read each prompt; `captions`: only where prompts differ, else they are read once and let go. */
  text?: 'always' | 'captions';
}

/** diffusers examples (0.20 to 0.36), defaults of each script's parse_args. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  'train_text_to_image.py': { resolution: 512, batch: 16, vae: 'half', text: 'always' },
  'train_text_to_image_lora.py': { resolution: 512, batch: 16, lora: true, vae: 'half', text: 'always' },
  'train_text_to_image_sdxl.py': { resolution: 1024, batch: 16 },
  'train_text_to_image_lora_sdxl.py': { resolution: 1024, batch: 16, lora: true, vae: 'fp32', text: 'always' },
  'train_dreambooth.py': { resolution: 512, batch: 4, vae: 'half', text: 'always' },
  'train_dreambooth_lora.py': { resolution: 512, batch: 4, lora: true, vae: 'half', text: 'always' },
  'train_dreambooth_lora_sdxl.py': { resolution: 1024, batch: 4, lora: true, vae: 'fp32', text: 'captions' },
  'train_dreambooth_flux.py': { resolution: 512, batch: 4, tokens: 77, vae: 'half', text: 'captions' },
  'train_dreambooth_lora_flux.py': {
    resolution: 512,
    batch: 4,
    lora: true,
    tokens: 512,
    vae: 'half',
    text: 'captions',
  },
  'train_dreambooth_sd3.py': { resolution: 512, batch: 4, tokens: 77, vae: 'fp32', text: 'captions' },
  'train_dreambooth_lora_sd3.py': { resolution: 512, batch: 4, lora: true, tokens: 77, vae: 'fp32', text: 'captions' },
  'train_controlnet.py': { resolution: 512, batch: 4 },
  'train_controlnet_sdxl.py': { resolution: 512, batch: 4 },
  'train_instruct_pix2pix.py': { resolution: 256, batch: 16, vae: 'half', text: 'always' },
  'train_unconditional.py': { resolution: 64, batch: 16 },
  'textual_inversion.py': { resolution: 512, batch: 16 },
};

const SWITCHES: ReadonlySet<string> = new Set([
  'gradient_checkpointing',
  'use_8bit_adam',
  'use_ema',
  'enable_xformers_memory_efficient_attention',
  'train_text_encoder',
  'cache_latents',
  'pre_compute_text_embeddings',
  'with_prior_preservation',
  'center_crop',
  'random_flip',
  'allow_tf32',
  'offload_ema',
  'push_to_hub',
]);

const OF = { of: 'diffusers' };

/** The training scripts in diffusers' examples, each a loop around accelerate that binds `model_pred`. */
export const diffusers: TrainingProgram = {
  id: 'diffusers',
  name: 'diffusers example script',
  step: ACCELERATE_STEP,
  builtOn: ['diffusers', 'transformers', 'accelerate'],
  options: {
    source: 'diffusers examples: parse_args',
    writers: {
      microBatchSize: plain('--train_batch_size'),
      gradientAccumulationSteps: plain('--gradient_accumulation_steps'),
      activationCheckpointing: worded('--gradient_checkpointing', { full: '' }),
      'optimizer.implementation': worded('--use_8bit_adam', { '8bit': '' }),
      imageSize: side('--resolution'),
      precision: worded('--mixed_precision', { 'amp-bf16': 'bf16', 'amp-fp16': 'fp16' }),
      'peft.rank': plain('--rank'),
      attention: worded('--enable_xformers_memory_efficient_attention', ON),
    },
  },
  recognise({ kind, name, args }: Invocation): Recognition | null {
    if (kind !== 'script' || !Object.hasOwn(EXAMPLES, name)) return null;
    return args.some(({ text }) => text.startsWith('--network_module') || text.startsWith('--dataset_config'))
      ? null
      : 'script';
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const example = EXAMPLES[invocation.name] as Example;
    const { options } = readCommandLine(invocation.args, { switches: SWITCHES });
    const reader = new OptionReader(options, draft);
    nameProgram(context, { name: `diffusers ${invocation.name}`, package: 'diffusers' });
    readModelName(reader, draft, 'pretrained_model_name_or_path', 'model_config_name_or_path');
    draft.derive('task', 'diffusion', ['program'], `${invocation.name} trains a diffusion model`);
    reader.count('microBatchSize', 'train_batch_size');
    draft.default('microBatchSize', example.batch, { ...OF, note: invocation.name });
    reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
    readImage(reader, context, example);
    readHow(reader, context, example);
    noteFurtherModels(reader, context);
    readEncoders(reader, context, example);
  },
};

function readImage({ options }: OptionReader, { draft, invocation }: ProgramContext, example: Example): void {
  const found = options.find('resolution');
  const pixels = asCount(found);
  if (found?.unresolved) draft.leaveOpen('imageSize', found.unresolved);
  if (pixels !== undefined) draft.read('imageSize', [pixels, pixels], found?.place ?? null);
  const { resolution, tokens } = example;
  draft.default('imageSize', [resolution, resolution], { ...OF, note: invocation.name });
  const length = options.find('max_sequence_length');
  const count = asCount(length);
  if (count !== undefined) draft.read('sequenceLength', count, length?.place ?? null);
  draft.default('sequenceLength', tokens ?? 77, { ...OF, note: 'tokens of the prompt' });
}

function readHow(reader: OptionReader, context: ProgramContext, example: Example): void {
  const { draft, invocation } = context;
  const MIXED = { fp16: 'amp-fp16', bf16: 'amp-bf16', no: 'fp32' } as const;
  reader.choice('precision', MIXED, 'mixed_precision');
  const amp = acceleratePrecision(context);
  if (amp) draft.read('precision', amp.value, amp.place);
  readAccelerateSharding(context);
  if (example.lora === true) readAdapter(reader, invocation.name);
  draft.default('optimizer.name', 'adamw', OF);
  reader.on('optimizer.implementation', '8bit', 'use_8bit_adam');
  draft.default('optimizer.weightDecay', 0.01, OF);
  draft.default('gradientClipping', true, { ...OF, note: 'max_grad_norm is 1.0' });
  reader.on('activationCheckpointing', 'full', 'gradient_checkpointing');
  reader.on('attention', 'xformers', 'enable_xformers_memory_efficient_attention');
  if (reader.truth('ema', 'offload_ema')?.value !== true) reader.on('ema', true, 'use_ema');
}

/** Scripts that train adapters keep the base in the type of `--mixed_precision`. */
const HALF: Readonly<Record<string, 'fp16' | 'bf16'>> = { 'amp-fp16': 'fp16', 'amp-bf16': 'bf16' };

function readAdapter(reader: OptionReader, script: string): void {
  const { draft } = reader;
  draft.derive('peft.method', 'lora', ['program'], `${script} trains adapters`);
  reader.count('peft.rank', 'rank');
  const half = HALF[String(draft.value('precision'))];
  if (half !== undefined) {
    draft.default('weights', half, { ...OF, note: 'what is not trained is cast to weight_dtype' });
    draft.default('peft.weights', half === 'fp16' ? 'fp32' : half, { ...OF, note: 'cast_training_params for fp16' });
  }
  draft.default('peft.rank', 4, OF);
  draft.default('peft.targetModules', ['to_k', 'to_q', 'to_v', 'to_out.0'], OF);
}

/** One prompt for all images: text encoders lie beside the denoiser until it is read, and are deleted (free_memory). */
function readsOnce(draft: RunDraft, text: 'fp32' | 'fp16' | 'bf16', script: string): void {
  readResidents(draft, {
    of: 'diffusers',
    vae: null,
    text,
    when: 'before-training',
    note: `${script} reads its one prompt before it trains`,
  });
}

/**
 * VAE and text encoders stay on the device and encode each batch, unless latents are cached or embeddings made beforehand,
 * after which the script deletes them (diffusers examples, main of each script).
 */
function readEncoders(reader: OptionReader, { draft, invocation }: ProgramContext, example: Example): void {
  const half = HALF[String(draft.value('precision'))] ?? 'fp32';
  const prompts = promptsRead(reader, example);
  if (prompts === 'once') readsOnce(draft, half, invocation.name);
  readResidents(draft, {
    of: 'diffusers',
    vae: isOn(reader, 'cache_latents') ? null : vaeWeights(example, half),
    text: prompts === 'each' ? half : null,
    note: `${invocation.name} encodes each batch`,
  });
}

const isOn = (reader: OptionReader, name: string): boolean => reader.truth('task', name)?.value === true;

const vaeWeights = ({ vae }: Example, half: 'fp32' | 'fp16' | 'bf16'): 'fp32' | 'fp16' | 'bf16' | null =>
  vae === undefined ? null : vae === 'fp32' ? 'fp32' : half;

/** Whether frozen text encoders read the prompts of each batch, or one prompt for all. */
function promptsRead(reader: OptionReader, { text }: Example): 'never' | 'once' | 'each' {
  if (text === undefined || isOn(reader, 'train_text_encoder')) return 'never';
  const differ = text === 'always' || reader.options.has('caption_column');
  return differ && !isOn(reader, 'pre_compute_text_embeddings') ? 'each' : 'once';
}

/** What the contract has no field for is said. */
function noteFurtherModels(reader: OptionReader, { draft }: ProgramContext): void {
  const on = (name: string): boolean => reader.truth('task', name)?.value === true;
  if (on('train_text_encoder'))
    draft.leaveOpen('program', 'the text encoder is trained too: its memory is not worked out');
  if (on('cache_latents')) draft.note('latents are cached: the VAE leaves the device before training');
  if (on('with_prior_preservation')) draft.note('images of the class join each batch: it is twice as large as written');
}
