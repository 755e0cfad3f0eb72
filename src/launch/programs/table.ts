import { detectron2 } from './detectron2.js';
import { diffusers } from './diffusers.js';
import { fmsHfTuning } from './fms-hf-tuning.js';
import { lightningCli } from './lightning-cli.js';
import { litgpt } from './litgpt.js';
import { llmFoundry } from './llm-foundry.js';
import { msSwift } from './ms-swift.js';
import { nemo } from './nemo.js';
import { openmmlab } from './openmmlab.js';
import { openrlhf } from './openrlhf.js';
import { finetrainers } from './finetrainers.js';
import { sdScripts } from './sd-scripts.js';
import { torchtitan } from './torchtitan.js';
import { unslothCli } from './unsloth-cli.js';
import { kerasApplications } from './keras-applications.js';
import { simpletuner } from './simpletuner.js';
import { verlRl } from './verl-rl.js';
import { wordLanguageModel } from './word-language-model.js';
import { verl } from './verl.js';
import type { ProgramOptions } from '../../run/program-options.js';
import { awsFsdp } from './aws-fsdp.js';
import { axolotl } from './axolotl.js';
import { generic } from './generic.js';
import { hfExamples } from './hf-examples.js';
import { hfTrainer } from './hf-trainer.js';
import { imageEnvironment } from './image-environment.js';
import { imagenet } from './imagenet.js';
import type { Invocation } from './invocation.js';
import { kaito } from './kaito.js';
import { llamafactory } from './llamafactory.js';
import { megatron } from './megatron.js';
import { nanogpt } from './nanogpt.js';
import type { Recognition, TrainingProgram } from './program.js';
import { pythonSource } from './python-source.js';
import { tfCnnBenchmarks } from './tf-cnn-benchmarks.js';
import { timm } from './timm.js';
import { torchtune } from './torchtune.js';
import { torchvisionReferences } from './torchvision-references.js';
import { trl } from './trl.js';
import { ultralytics } from './ultralytics.js';
import { yolov5 } from './yolov5.js';

/** Every training program that is understood. Where several recognise a command the surest wins, then the first. */
export const PROGRAMS: readonly TrainingProgram[] = [
  hfExamples,
  trl,
  axolotl,
  llamafactory,
  megatron,
  torchtune,
  kaito,
  ultralytics,
  yolov5,
  tfCnnBenchmarks,
  imagenet,
  wordLanguageModel,
  ...torchvisionReferences,
  timm,
  nanogpt,
  torchtitan,
  nemo,
  litgpt,
  msSwift,
  fmsHfTuning,
  unslothCli,
  verl,
  verlRl,
  openrlhf,
  llmFoundry,
  finetrainers,
  sdScripts,
  simpletuner,
  diffusers,
  openmmlab,
  detectron2,
  awsFsdp,
  kerasApplications,
  pythonSource,
  lightningCli,
  hfTrainer,
  generic,
  imageEnvironment,
];

const BY_ID: ReadonlyMap<string, TrainingProgram> = new Map(PROGRAMS.map((program) => [program.id, program]));

/** How the program of an id is told things; null where nothing is known to say it. */
export function optionsOf(id: string): ProgramOptions | null {
  return BY_ID.get(id)?.options ?? null;
}

const SURENESS: Readonly<Record<Recognition, number>> = { name: 4, script: 3, flags: 2, guess: 1 };

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
