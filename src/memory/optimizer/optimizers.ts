import type { OptimizerName, RunValues } from '../../run/training-run.js';
import { adafactor } from './adafactor.js';
import type { NativeImplementation } from './adam.js';
import { adam } from './adam.js';
import type { Optimizer } from './optimizer.js';
import { rmsprop } from './rmsprop.js';
import { sgd } from './sgd.js';

type OptimizerValues = RunValues['optimizer'];

const native = ({ implementation }: OptimizerValues): NativeImplementation =>
  implementation === 'fused' || implementation === 'for-loop' ? implementation : 'foreach';

const OPTIMIZERS: Partial<Record<OptimizerName, (values: OptimizerValues) => Optimizer>> = {
  adamw: (values) => adam({ implementation: native(values), amsgrad: values.amsgrad, coupledDecay: false }),
  adam: (values) =>
    adam({ implementation: native(values), amsgrad: values.amsgrad, coupledDecay: values.weightDecay > 0 }),
  sgd: (values) =>
    sgd({ implementation: native(values), momentum: values.momentum > 0, weightDecay: values.weightDecay > 0 }),
  rmsprop: (values) => rmsprop({ momentum: values.momentum > 0, weightDecay: values.weightDecay > 0 }),
  adafactor: () => adafactor(),
};

/** The optimizer of a run; undefined where it is not one of those that can be run. */
export function optimizerOf(values: OptimizerValues): Optimizer | undefined {
  return OPTIMIZERS[values.name]?.(values);
}
