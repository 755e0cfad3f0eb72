import type { RunValues } from '../run/training-run.js';
import { isBefore, versionOf } from './device/versions.js';
import type { LoopConventions } from './training-loop.js';

/** What a program's training step does with the outputs of the model. */
interface ConventionRule {
  program: RegExp;
  keepsOutputs: boolean;
  /** accelerate wraps forward so that outputs leave autocast in fp32 (accelerate/utils/operations.py). */
  castsOutputs: boolean;
}

/**
 * transformers' Trainer and what is built on it compute the loss in a function whose outputs die when it returns
 * (trainer.py, compute_loss); torchtitan deletes its predictions (train.py). A script written for the purpose binds the
 * outputs to a name, which holds them through backward: PyTorch's ImageNet example, litgpt, nanoGPT.
 */
const RULES: readonly ConventionRule[] = [
  {
    program: /transformers|hugging face|trl|axolotl|llamafactory|swift|unsloth|sentence/i,
    keepsOutputs: false,
    castsOutputs: true,
  },
  { program: /torchtitan|megatron|nemo|deepspeed/i, keepsOutputs: false, castsOutputs: false },
  { program: /accelerate|diffusers/i, keepsOutputs: true, castsOutputs: true },
  { program: /imagenet|litgpt|nanogpt|timm|torchvision/i, keepsOutputs: true, castsOutputs: false },
];

/** What is taken of a script that is not known: it may as well drop the outputs. */
const UNKNOWN_SCRIPT: ConventionRule = { program: /^/, keepsOutputs: true, castsOutputs: false };

function ruleOf({ program, framework }: RunValues): ConventionRule {
  const names = `${program?.name ?? ''} ${framework.name}`;
  return RULES.find((rule) => rule.program.test(names)) ?? UNKNOWN_SCRIPT;
}

/** The other way that the script of a run may treat the outputs of a language model; null where its program is known. */
export function otherConventionsOf(run: RunValues): LoopConventions | null {
  const matters = run.sequenceLength !== null && ruleOf(run) === UNKNOWN_SCRIPT;
  return matters ? { keepsOutputs: false, outputsToFloat32: false, compilesLoss: false } : null;
}

/** How the training step of a run treats the model's outputs, by its program and framework. */
export function conventionsOf(run: RunValues): LoopConventions {
  const rule = ruleOf(run);
  const { precision } = run;
  return {
    keepsOutputs: rule.keepsOutputs,
    compilesLoss: compilesLoss(run),
    outputsToFloat32: rule.castsOutputs && (precision === 'amp-fp16' || precision === 'amp-bf16'),
  };
}

/** torchtitan compiles its loss function beside the blocks since spring 2025, with torch 2.7 (components/loss.py). */
const TORCHTITAN_SINCE = [2, 7] as const;

/** transformers' Trainer compiles the whole model, its loss with it. */
function compilesLoss(run: RunValues): boolean {
  if (run.compile === 'none') return false;
  const names = `${run.program?.name ?? ''} ${run.framework.name}`;
  if (/torchtitan/i.test(names)) return !isBefore(versionOf(run, 'torch'), TORCHTITAN_SINCE);
  return /transformers|trl|axolotl/i.test(names);
}
