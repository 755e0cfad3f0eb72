import type { RunValues } from '../run/training-run.js';
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
  { program: /^/, keepsOutputs: true, castsOutputs: false },
];

/** How the training step of a run treats the model's outputs, by its program and framework. */
export function conventionsOf({ program, framework, precision }: RunValues): LoopConventions {
  const names = `${program?.name ?? ''} ${framework.name}`;
  const rule = RULES.find((one) => one.program.test(names)) ?? RULES.at(-1)!;
  return {
    keepsOutputs: rule.keepsOutputs,
    outputsToFloat32: rule.castsOutputs && (precision === 'amp-fp16' || precision === 'amp-bf16'),
  };
}
