import type { DeviceTraits, Interval } from '../../memory/estimate.js';
import { valuesOf } from '../../run/fields.js';
import type { RunValues, TrainingRun } from '../../run/training-run.js';
import type { EstimateRun } from '../workload-fit.js';
import { editedRun } from './edits.js';
import type { Edit } from './proposal.js';

/** What can be asked for the largest of. */
export const SCALES = ['micro-batch', 'sequence-length', 'image-size', 'lora-rank', 'model'] as const;
export type Scale = (typeof SCALES)[number];

/** A model that the run could train instead, smallest first in a list. */
export interface OtherModel {
  name: string;
  parameters: number;
}

export interface LargestQuestion {
  scale: Scale;
  run: TrainingRun;
  device: DeviceTraits;
  /** Bytes that a process can use of the device. */
  capacityBytes: number;
  estimate: EstimateRun;
  /** Models of the family of the run's own, for the scale `model`. */
  family: readonly OtherModel[];
  /** Positions that the model was made with: longer sequences are refused or make no sense. null: not known. */
  positions: number | null;
}

interface Size {
  value: string;
  requiredBytes: Interval;
}

export interface Largest {
  /** The largest that certainly fits; null where not even the smallest does. */
  fits: (Size & { marginBytes: number }) | null;
  /** The next larger one, which does not certainly fit; null where the scale ends before the memory does. */
  next: Size | null;
  /** Why it ends where it is not for memory, in words. */
  ends: string | null;
}

/** Values of a scale by their place, from 0 on, with what to change of the run for each. */
interface Steps {
  count: number;
  at(index: number): { value: string; edits: readonly Edit[] };
}

const MOST_BATCH = 65_536;
const TOKENS = 128;
const MOST_TOKENS = 1_048_576;
const PIXELS = 32;
const MOST_PIXELS = 4_096;
const RANKS = 8;
const MOST_RANK = 1_024;

function batches({ gradientAccumulationSteps, parallelism }: RunValues): Steps {
  return {
    count: MOST_BATCH,
    at: (index) => ({
      value: String(index + 1),
      edits: [
        { field: 'microBatchSize', value: index + 1 },
        { field: 'globalBatchSize', value: (index + 1) * gradientAccumulationSteps * parallelism.data },
      ],
    }),
  };
}

const numbers = (field: 'sequenceLength' | 'peft.rank', step: number, most: number): Steps => ({
  count: Math.floor(most / step),
  at: (index) => ({ value: String((index + 1) * step), edits: [{ field, value: (index + 1) * step }] }),
});

const squares: Steps = {
  count: MOST_PIXELS / PIXELS,
  at: (index) => {
    const pixels = (index + 1) * PIXELS;
    return { value: `${pixels}×${pixels}`, edits: [{ field: 'imageSize', value: [pixels, pixels] }] };
  },
};

const models = (family: readonly OtherModel[]): Steps => ({
  count: family.length,
  at: (index) => {
    const name = family[index]?.name ?? '';
    return { value: name, edits: [{ field: 'model', value: { name, catalogId: name, config: null } }] };
  },
});

/** The values that the scale has for a run; in words why it has none. */
function stepsOf({ scale, run, family, positions }: LargestQuestion): Steps | string {
  const values = valuesOf(run);
  if (scale === 'micro-batch') return batches(values);
  if (scale === 'sequence-length')
    return values.sequenceLength === null
      ? 'no sequence length is known of it'
      : numbers('sequenceLength', TOKENS, Math.min(positions ?? MOST_TOKENS, MOST_TOKENS));
  if (scale === 'image-size') return values.imageSize === null ? 'no image size is known of it' : squares;
  if (scale === 'lora-rank')
    return values.peft.rank === null ? 'it trains no adapters' : numbers('peft.rank', RANKS, MOST_RANK);
  return family.length === 0 ? 'its model is of no family that the catalog knows' : models(family);
}

type Trial = { kind: 'fits' | 'too-large'; size: Size } | { kind: 'refused'; words: string };

class Scaling {
  private readonly tried = new Map<number, Trial>();

  constructor(
    private readonly question: LargestQuestion,
    private readonly steps: Steps,
  ) {}

  fits(index: number): boolean {
    return this.trial(index).kind === 'fits';
  }

  trial(index: number): Trial {
    const known = this.tried.get(index) ?? this.estimated(index);
    this.tried.set(index, known);
    return known;
  }

  private estimated(index: number): Trial {
    const { run, device, estimate, capacityBytes } = this.question;
    const { value, edits } = this.steps.at(index);
    const outcome = estimate(editedRun(run, edits), device);
    if ('unknown' in outcome) return { kind: 'refused', words: outcome.unknown[0]?.reason ?? 'it cannot be estimated' };
    const requiredBytes = outcome.estimate.minimumCapacityBytes;
    return { kind: requiredBytes.high <= capacityBytes ? 'fits' : 'too-large', size: { value, requiredBytes } };
  }

  /** The last place that fits: by doubling until one does not, then by halving between. */
  last(): number {
    let [good, bad] = [-1, 0];
    while (bad < this.steps.count && this.fits(bad)) [good, bad] = [bad, bad * 2 + 1];
    bad = Math.min(bad, this.steps.count);
    while (bad - good > 1) {
      const middle = Math.floor((good + bad) / 2);
      if (this.fits(middle)) good = middle;
      else bad = middle;
    }
    return good;
  }
}

/**
 * The largest value of a scale with which the run certainly fits a device (its highest reading is within the capacity),
 * with what is then left, and the next one, which is too large. Sequences go in steps of 128 tokens, images of 32 pixels
 * (squares), adapters of 8 ranks, models by their parameters. In words why there is no answer.
 */
export function largest(question: LargestQuestion): Largest | string {
  const steps = stepsOf(question);
  if (typeof steps === 'string') return steps;
  return answered(new Scaling(question, steps), steps.count, question.capacityBytes);
}

function answered(scaling: Scaling, count: number, capacityBytes: number): Largest {
  const last = scaling.last();
  const fitting = last < 0 ? null : scaling.trial(last);
  const beyond = last + 1 < count ? scaling.trial(last + 1) : null;
  const size = fitting?.kind === 'fits' ? fitting.size : null;
  const fits = size === null ? null : { ...size, marginBytes: capacityBytes - size.requiredBytes.high };
  if (beyond === null) return { fits, next: null, ends: 'the scale ends there' };
  return beyond.kind === 'refused' ? { fits, next: null, ends: beyond.words } : { fits, next: beyond.size, ends: null };
}
