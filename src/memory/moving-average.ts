import type { RunValues } from '../run/training-run.js';
import type { Engine } from './autograd/engine.js';
import { operation } from './autograd/operation-names.js';
import type { ModelState } from './model-state.js';

const COPY = operation('deepcopy');

/**
 * Where the run keeps one: a moving average of the weights is a second model on the device (`deepcopy(model)` in timm's ModelEmaV3, mmengine's
 * AveragedModel and ultralytics' ModelEMA): parameters and buffers, updated in place after each step.
 */
export function placeMovingAverage(engine: Engine, { ema }: RunValues, { parameters, buffers }: ModelState): void {
  if (!ema) return;
  for (const tensor of [...parameters, ...buffers]) {
    engine.hold(engine.empty(tensor.shape, tensor.dtype, COPY, tensor.strides));
  }
}
