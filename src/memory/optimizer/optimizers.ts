import type { OptimizerName, RunValues } from '../../run/training-run.js';
import type { EngineTensor } from '../autograd/graph.js';
import { adafactor } from './adafactor.js';
import { adamMini } from './adam-mini.js';
import type { NativeImplementation } from './adam.js';
import { adam } from './adam.js';
import { apollo } from './apollo.js';
import type { BlockwiseOptions } from './block-wise.js';
import { blockwise, blockwiseMoments } from './block-wise.js';
import { came } from './came.js';
import { elementwiseOptimizer } from './element-wise-rules.js';
import { galore } from './galore.js';
import { muon } from './muon.js';
import type { Optimizer } from './optimizer.js';
import { rmsprop } from './rmsprop.js';
import { sgd } from './sgd.js';
import { shampoo } from './shampoo.js';
import { soap } from './soap.js';

type OptimizerValues = RunValues['optimizer'];

const native = ({ implementation }: OptimizerValues): NativeImplementation =>
  implementation === 'fused' || implementation === 'for-loop' ? implementation : 'foreach';

/** What an optimizer may want to know of a parameter. */
export interface ParameterRoles {
  /** A weight of the layers between embedding and head. */
  isHidden(parameter: EngineTensor): boolean;
  /** A parameter whose states are kept in 32 bits by a program's wish. */
  keepsFullPrecision(parameter: EngineTensor): boolean;
}

const adamw = (values: OptimizerValues): Optimizer =>
  adam({ implementation: native(values), amsgrad: values.amsgrad, coupledDecay: false });

const OPTIMIZERS: Partial<Record<OptimizerName, (values: OptimizerValues, roles: ParameterRoles) => Optimizer>> = {
  adamw,
  adam: (values) =>
    adam({ implementation: native(values), amsgrad: values.amsgrad, coupledDecay: values.weightDecay > 0 }),
  sgd: (values) =>
    sgd({ implementation: native(values), momentum: values.momentum > 0, weightDecay: values.weightDecay > 0 }),
  rmsprop: (values) => rmsprop({ momentum: values.momentum > 0, weightDecay: values.weightDecay > 0 }),
  adafactor: () => adafactor(),
  'galore-adamw': (_, roles) => galore((parameter) => roles.isHidden(parameter)),
  apollo: (_, roles) => apollo((parameter) => roles.isHidden(parameter)),
  'adam-mini': () => adamMini(),
  soap: () => soap(),
  shampoo: () => shampoo(),
  came: () => came(),
  muon: (values, roles) => muon((parameter) => roles.isHidden(parameter), adamw(values)),
};

/** Ways of bitsandbytes: bits of a state, and whether states are paged. */
const BLOCKWISE: Partial<Record<OptimizerValues['implementation'], Pick<BlockwiseOptions, 'bits' | 'paged'>>> = {
  '8bit': { bits: 8, paged: false },
  paged: { bits: 32, paged: true },
  'paged-8bit': { bits: 8, paged: true },
};

/** The optimizer of a run; undefined where it is not one of those that can be run, or not in this implementation. */
export function optimizerOf(values: OptimizerValues, roles: ParameterRoles): Optimizer | undefined {
  const way = BLOCKWISE[values.implementation];
  if (way === undefined) return OPTIMIZERS[values.name]?.(values, roles) ?? elementwiseOptimizer(values);
  const moments = blockwiseMoments(values.name);
  if (moments === undefined) return undefined;
  return blockwise({ ...way, moments, keepsFullPrecision: (parameter) => roles.keepsFullPrecision(parameter) });
}

/** Whether an optimizer can be run as the run implements it. */
export function isKnownOptimizer(values: OptimizerValues): boolean {
  return optimizerOf(values, { isHidden: () => false, keepsFullPrecision: () => false }) !== undefined;
}
