import type { Precision } from '../../../run/training-run.js';
import type { Found } from '../../options/option-reader.js';
import { OptionReader } from '../../options/option-reader.js';
import { Options } from '../../options/option.js';
import type { ProgramContext } from '../program.js';
import { isAtLeast } from '../../versions.js';
import type { ShardingRead } from './sharding.js';
import type { TrainerDefaults } from './trainer-defaults.js';

/** Type in which weights are held before any sharding; `auto`: the checkpoint's own. */
type Weights = 'fp32' | 'fp16' | 'bf16' | 'auto';

const WEIGHTS: Readonly<Record<string, Weights>> = {
  float32: 'fp32',
  fp32: 'fp32',
  'torch.float32': 'fp32',
  float16: 'fp16',
  fp16: 'fp16',
  half: 'fp16',
  'torch.float16': 'fp16',
  bfloat16: 'bf16',
  bf16: 'bf16',
  'torch.bfloat16': 'bf16',
  auto: 'auto',
};

const ACCELERATE: Readonly<Record<string, Precision>> = { fp16: 'amp-fp16', bf16: 'amp-bf16', no: 'fp32', fp8: 'fp8' };

/**
 * Precision of a Trainer run. `--bf16` and `--fp16` are autocast over weights of the type that they were loaded in:
 * with 16-bit weights the run is 16 bit throughout, optimizer states too. DeepSpeed holds 16-bit parameters with an
 * fp32 master; FSDP through accelerate holds fp32 shards (accelerate/accelerator.py, upcast since 0.34).
 */
export function readTrainerPrecision(
  reader: OptionReader,
  context: ProgramContext,
  { own, sharding }: { own: TrainerDefaults; sharding: ShardingRead },
): void {
  const { draft } = context;
  if (sharding.precision) draft.read('precision', sharding.precision.value, sharding.precision.place);
  const compute = computeOf(reader, context);
  const weights = reader.word('precision', WEIGHTS, 'torch_dtype', 'dtype', 'model_dtype');
  if (draft.isOpen('precision')) return;
  if (compute) fromFlag(compute, weights, context, sharding);
  else if (weights && weights.value !== 'auto') fromWeights(weights as Found<Exclude<Weights, 'auto'>>, context, own);
  else fromDefaults(reader, context, own);
}

/** What asks for autocast: the Trainer's flags, else accelerate's mixed_precision. */
function computeOf(reader: OptionReader, context: ProgramContext): Found<Precision> | undefined {
  const bf16 = reader.truth('precision', 'bf16');
  const fp16 = reader.truth('precision', 'fp16');
  if (bf16?.value) return { value: 'amp-bf16', place: bf16.place };
  if (fp16?.value) return { value: 'amp-fp16', place: fp16.place };
  return acceleratePrecision(context);
}

/** accelerate's `mixed_precision`, where it asks for any. */
export function acceleratePrecision({ says, draft }: ProgramContext): Found<Precision> | undefined {
  const found = new OptionReader(says.settings ?? new Options(), draft).word(
    'precision',
    ACCELERATE,
    'mixed_precision',
  );
  return found?.value === 'fp32' ? undefined : found;
}

function fromFlag(
  compute: Found<Precision>,
  weights: Found<Weights> | undefined,
  context: ProgramContext,
  sharding: ShardingRead,
): void {
  const { draft } = context;
  const pure = compute.value === 'amp-bf16' ? 'bf16' : 'fp16';
  const isSixteenBit = weights?.value === 'bf16' || weights?.value === 'fp16';
  if (sharding.engine === 'deepspeed') draft.read('precision', pure, compute.place);
  else if (sharding.engine === 'fsdp' || !isSixteenBit) autocast(compute, weights, context, sharding);
  else if (weights.value === 'fp16' && compute.value === 'amp-fp16') {
    draft.note('weights in float16 together with fp16=True: the gradient scaler refuses them at the first step');
    draft.read('precision', 'fp16', weights.place);
  } else draft.read('precision', pure, weights.place);
}

/** Without a word on the weights they are fp32 before transformers 5 and the checkpoint's type from then on. */
function autocast(
  compute: Found<Precision>,
  weights: Found<Weights> | undefined,
  context: ProgramContext,
  sharding: ShardingRead,
): void {
  const { draft, versions } = context;
  const pure = compute.value === 'amp-bf16' ? 'bf16' : 'fp16';
  const isAuto = weights ? weights.value === 'auto' : isAtLeast(versions.get('transformers'), '5.0.0');
  if (sharding.engine === 'fsdp' || !isAuto) draft.read('precision', compute.value, compute.place);
  else
    draft.assume('precision', pure, 'weights keep the type of the checkpoint, which is taken to be 16 bit', {
      low: pure,
      high: compute.value,
    });
}

function fromWeights(weights: Found<Exclude<Weights, 'auto'>>, { draft }: ProgramContext, own: TrainerDefaults): void {
  const isAmp = own.bf16 === true && weights.value === 'fp32';
  draft.read('precision', isAmp ? 'amp-bf16' : weights.value, weights.place);
}

function fromDefaults(reader: OptionReader, context: ProgramContext, own: TrainerDefaults): void {
  const { draft, versions } = context;
  const { bf16 = false } = own;
  const tf32 = reader.truth('precision', 'tf32');
  if (bf16 === null) {
    draft.assume(
      'precision',
      'amp-bf16',
      `bf16 is on by default in recent versions of ${own.of}; its version is not known here`,
      {
        low: 'bf16',
        high: 'fp32',
      },
    );
  } else if (bf16) draft.default('precision', 'amp-bf16', { of: own.of, version: versions.get(own.of) });
  else if (tf32?.value) draft.read('precision', 'tf32', tf32.place);
  else if (isAtLeast(versions.get('transformers'), '5.0.0'))
    draft.assume(
      'precision',
      'bf16',
      'transformers 5 loads weights in the type of the checkpoint, which is taken to be 16 bit',
      { low: 'bf16', high: 'fp32' },
    );
  else draft.default('precision', 'fp32', { of: 'transformers', version: versions.get('transformers') });
}
