import { awsFsdp } from './aws-fsdp.js';
import { hfExamples } from './hf-examples.js';
import { hfTrainer } from './hf-trainer.js';
import { imagenet } from './imagenet.js';
import type { Invocation } from './invocation.js';
import type { Recognition, TrainingProgram } from './program.js';
import { trl } from './trl.js';

/** Every training program that is understood. Where several recognise a command the surest wins, then the first. */
export const PROGRAMS: readonly TrainingProgram[] = [hfExamples, trl, imagenet, awsFsdp, hfTrainer];

const SURENESS: Readonly<Record<Recognition, number>> = { name: 3, script: 2, flags: 1 };

/** The program that a command starts, or null where none is recognised. */
export function recogniseProgram(invocation: Invocation): TrainingProgram | null {
  let best: { program: TrainingProgram; sureness: number } | null = null;
  for (const program of PROGRAMS) {
    const recognition = program.recognise(invocation);
    const sureness = recognition ? SURENESS[recognition] : 0;
    if (sureness > (best?.sureness ?? 0)) best = { program, sureness };
  }
  return best?.program ?? null;
}
