import type { Forecast } from './forecast.js';
import { modelCodeOf } from './rank-view-of.js';
import type { Uncertainty, Widening } from './uncertainty-kind.js';

/** A norm in one kernel, which keeps its input only. */
const LEAN_NORMS = 'fused-norms';

/** Model code of libraries that write norms out and can have a kernel take their place, by a flag of the run. */
const WITH_NORM_KERNELS: ReadonlySet<string> = new Set(['transformers', 'plain']);

/**
 * Norms make most of what differs between a model's code and kernels that take its place: written out they keep the input
 * in fp32 and the normed value, as one kernel they keep the input. The low end is the run with such kernels.
 */
export const modelCodeVersions: Uncertainty = {
  name: 'model-code',
  remedy: 'whether kernels take the place of the norms (use_liger_kernel and the like)',
  widening(at, again) {
    const { values } = at;
    if (values.sequenceLength === null || values.kernels.includes(LEAN_NORMS)) return null;
    if (!WITH_NORM_KERNELS.has(modelCodeOf(values))) return null;
    const lean = again({ ...values, kernels: [...values.kernels, LEAN_NORMS] });
    return lean && lowerEnd(at, lean);
  },
};

/** As parallelism.ts knows it. */
const NOT_REENTRANT = 'non-reentrant-checkpointing';

/**
 * `use_reentrant` decides whether FSDP's hooks hold the inputs of blocks through backward; scripts set it one way or the
 * other, and it is one of many arguments. The low end is the run with `use_reentrant=False`.
 */
export const checkpointedGraphs: Uncertainty = {
  name: 'reentrant-checkpointing',
  remedy: 'gradient_checkpointing_kwargs={"use_reentrant": false} holds less',
  widening(at, again) {
    const { parallelism, peft, activationCheckpointing, kernels } = at.values;
    const holds = parallelism.fsdpVersion === 1 && parallelism.sharding.startsWith('fsdp') && peft.method !== 'none';
    if (!holds || activationCheckpointing === 'none' || kernels.includes(NOT_REENTRANT)) return null;
    const other = again({ ...at.values, kernels: [...kernels, NOT_REENTRANT] });
    return other && lowerEnd(at, other);
  },
};

/** What CLIP reads, and what diffusers' scripts for models with T5 have as `--max_sequence_length` (train_dreambooth_sd3.py). */
const SHORT_PROMPT_TOKENS = 77;

/**
 * Prompts are padded to a length that a trainer sets, or to the longest of their batch. Where nothing says it, it is taken
 * as long as the model's pipeline allows; the low end is the shortest that scripts have by default.
 */
export const promptLengths: Uncertainty = {
  name: 'prompt-length',
  remedy: 'sequenceLength: the tokens of a prompt, in plimsoll.dev/run',
  widening(at, again) {
    const { task, sequenceLength } = at.values;
    if (task !== 'diffusion' || sequenceLength !== null) return null;
    const short = again({ ...at.values, sequenceLength: SHORT_PROMPT_TOKENS });
    return short && lowerEnd(at, short);
  },
};

function lowerEnd(at: Forecast, other: Forecast): Widening | null {
  const allocated = saved(at, other, 'peakAllocatedBytes');
  const reserved = saved(at, other, 'peakReservedBytes');
  if (allocated === 0 && reserved === 0) return null;
  return { allocated: { below: -allocated, above: 0 }, reserved: { below: -reserved, above: 0 } };
}

const saved = (at: Forecast, lean: Forecast, figure: 'peakAllocatedBytes' | 'peakReservedBytes'): number =>
  Math.max(0, at.unlimited[figure] - lean.unlimited[figure]);
