import { pipelinePartsOf } from '../../src/launch/programs/diffusion-parts.js';
import type { RoleRun } from '../../src/run/device-runs.js';
import { frameworkDefaults } from './framework-defaults.js';
import type { MeasuredRun } from './measured-run.js';
import type { RunValues, TrainingRun } from './settings.js';
import { byDefault, stated } from './settings.js';

/** When the encoders of a record work, as its options tell; null: they are no part of the process. */
function turnOf(record: MeasuredRun): RunValues['sharing']['turn'] | null {
  const options = (record.memory_options ?? []).join(' ');
  if (/text-encoder-and-vae-resident/.test(options)) return 'apart';
  return /precomputed-latents-and-text/.test(options) && frameworkDefaults(record).encodesBefore === true
    ? 'before-placing'
    : null;
}

/** A frozen part of the record's pipeline, in the type of its weights. */
function encoderOf(main: TrainingRun, name: string, turn: RunValues['sharing']['turn']): TrainingRun {
  const of = main.framework.value.name;
  return {
    ...main,
    model: byDefault({ name, catalogId: null, config: null }, of),
    task: byDefault('encoding', of),
    activity: byDefault('forward', of),
    precision: byDefault(main.weights.value ?? 'fp32', of),
    weights: byDefault(null, of),
    quantization: byDefault('none', of),
    sequenceLength: byDefault(null, 'the encoder'),
    activationCheckpointing: byDefault('none', of),
    sharing: { ...main.sharing, turn: stated(turn, 'memory_options') },
  };
}

/** The encoders beside the trained denoiser of a record, each as a run of the same process. */
export function encodersOf(record: MeasuredRun, main: TrainingRun): RoleRun[] {
  const turn = main.task.value === 'diffusion' ? turnOf(record) : null;
  const parts = turn === null ? null : pipelinePartsOf(record.model);
  if (turn === null || parts === null) return [];
  const names = [...(parts.vae === null ? [] : [parts.vae]), ...parts.textEncoders.map(({ name }) => name)];
  return names.map((name) => ({ role: name, run: encoderOf(main, name, turn) }));
}

/** The trained denoiser beside its encoders: what those leave behind is given back before it comes (free_memory). */
export function besideEncoders(main: TrainingRun, encoders: readonly RoleRun[]): RoleRun {
  const leave = encoders.some(({ run }) => run.sharing.turn.value === 'before-placing');
  const of = main.framework.value.name;
  return { role: 'denoiser', run: { ...main, sharing: { ...main.sharing, emptiesCache: byDefault(leave, of) } } };
}
