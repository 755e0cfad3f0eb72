import type { RunValues } from '../run/training-run.js';
import type { LoopConventions } from './training-loop.js';

/** How the training step of a run treats the model's outputs: there is no copy in fp32 without autocast. */
export function conventionsOf({ trainingStep, precision, compile }: RunValues): LoopConventions {
  const isAutocast = precision === 'amp-fp16' || precision === 'amp-bf16';
  return {
    keepsOutputs: trainingStep.keepsOutputs,
    compilesLoss: trainingStep.compilesLoss && compile !== 'none',
    outputsToFloat32: trainingStep.castsOutputs && isAutocast,
  };
}
