import { plain, worded } from '../../run/program-options.js';
import { readCommandLine } from '../options/command-line.js';
import { asText, asTexts } from '../options/option.js';
import { OptionReader } from '../options/option-reader.js';
import { readResidents } from './diffusion-parts.js';
import { readModelName } from './hf/model.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';
import { ACCELERATE_STEP } from './steps.js';

const OF = { of: 'finetrainers' };
/** Flags that tell its `train.py` from others. */
const OWN = ['training_type', 'video_resolution_buckets', 'precompute_conditions', 'enable_precomputation'];
const SWITCHES: ReadonlySet<string> = new Set([
  'precompute_conditions',
  'enable_precomputation',
  'gradient_checkpointing',
  'use_8bit_bnb',
  'enable_slicing',
  'enable_tiling',
  'pin_memory',
  'push_to_hub',
]);

/** finetrainers: `train.py --model_name ltx_video --training_type lora …` (finetrainers/args.py). */
export const finetrainers: TrainingProgram = {
  id: 'finetrainers',
  name: 'finetrainers',
  step: ACCELERATE_STEP,
  builtOn: ['diffusers', 'transformers', 'accelerate', 'peft'],
  options: {
    source: 'finetrainers: finetrainers/args.py',
    writers: {
      microBatchSize: plain('--batch_size'),
      gradientAccumulationSteps: plain('--gradient_accumulation_steps'),
      activationCheckpointing: worded('--gradient_checkpointing', { full: '' }),
      'peft.rank': plain('--rank'),
    },
  },
  recognise({ kind, name, args }: Invocation): Recognition | null {
    const own = OWN.filter((flag) => args.some(({ text }) => text.split('=')[0] === `--${flag}`));
    return kind === 'script' && name === 'train.py' && own.length >= 2 ? 'flags' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readCommandLine(invocation.args, { switches: SWITCHES }).options, draft);
    nameProgram(context, { name: 'finetrainers', package: 'finetrainers' });
    readModelName(reader, draft, 'pretrained_model_name_or_path');
    draft.derive('task', 'diffusion', ['program'], 'finetrainers trains diffusion models');
    reader.count('microBatchSize', 'batch_size');
    draft.default('microBatchSize', 1, OF);
    reader.count('gradientAccumulationSteps', 'gradient_accumulation_steps');
    draft.default('sequenceLength', null, {
      ...OF,
      note: "as many tokens of the prompt as the model's pipeline takes",
    });
    readBucket(reader);
    readHow(reader);
    readConditions(reader);
  },
};

const BUCKET = /^(?:(\d+)x)?(\d+)x(\d+)$/;

interface Bucket {
  /** null: an image. */
  frames: number | null;
  height: number;
  width: number;
}

function bucketOf(text: string): Bucket[] {
  const found = BUCKET.exec(text);
  if (found === null) return [];
  const [, frames, height, width] = found;
  return [{ frames: frames === undefined ? null : Number(frames), height: Number(height), width: Number(width) }];
}

const volumeOf = ({ frames, height, width }: Bucket): number => (frames ?? 1) * height * width;

/** Frames, height and width of the largest bucket (`49x512x768`). */
function readBucket({ options, draft }: OptionReader): void {
  const found = options.find('video_resolution_buckets') ?? options.find('image_resolution_buckets');
  const buckets = (asTexts(found) ?? []).flatMap((text) => text.split(/\s+/)).flatMap(bucketOf);
  const [largest] = buckets.toSorted((a, b) => volumeOf(b) - volumeOf(a));
  if (largest === undefined) {
    const reason = found?.unresolved ?? 'the sizes of videos stand in the data set configuration';
    draft.leaveOpen('imageSize', reason, 'imageSize: [512, 768]');
    return;
  }
  const place = found?.place ?? null;
  draft.read('imageSize', [largest.height, largest.width], place);
  if (largest.frames !== null) draft.read('frames', largest.frames, place);
}

/** Weights in bf16 under autocast in bf16. */
function readHow(reader: OptionReader): void {
  const { draft, options } = reader;
  reader.choice('precision', { no: 'fp32', fp16: 'amp-fp16', bf16: 'amp-bf16' } as const, 'mixed_precision');
  draft.default('precision', 'amp-bf16', OF);
  draft.default('weights', 'bf16', { ...OF, note: 'transformer_dtype' });
  reader.choice('optimizer.name', { adam: 'adam', adamw: 'adamw' } as const, 'optimizer');
  draft.default('optimizer.name', 'adam', OF);
  reader.on('optimizer.implementation', '8bit', 'use_8bit_bnb');
  draft.default('gradientClipping', true, { ...OF, note: 'max_grad_norm is 1.0' });
  reader.on('activationCheckpointing', 'full', 'gradient_checkpointing');
  if (asText(options.find('training_type')) === 'lora') readAdapter(reader);
}

/** Adapters are added by diffusers in the type of the base. */
function readAdapter(reader: OptionReader): void {
  const { draft, options } = reader;
  draft.read('peft.method', 'lora', options.find('training_type')?.place ?? null);
  reader.count('peft.rank', 'rank');
  draft.default('peft.rank', 128, OF);
  const targets = asTexts(options.find('target_modules'))?.flatMap((text) => text.split(/\s+/));
  if (targets !== undefined) draft.read('peft.targetModules', targets, options.find('target_modules')?.place ?? null);
  draft.default('peft.targetModules', ['to_k', 'to_q', 'to_v', 'to_out.0'], OF);
  draft.default('peft.weights', 'bf16', { ...OF, note: 'as the weights' });
}

/** Conditions and latents are made in the process itself: for each batch, or all of them before the model is loaded. */
function readConditions(reader: OptionReader): void {
  const before = ['precompute_conditions', 'enable_precomputation'].some(
    (name) => reader.truth('task', name)?.value === true,
  );
  readResidents(reader.draft, {
    of: 'finetrainers',
    vae: 'bf16',
    text: 'bf16',
    when: before ? 'before-placing' : 'apart',
    note: before ? 'conditions are made before the model is loaded' : 'each batch is encoded',
  });
}
