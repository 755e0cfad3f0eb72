import type { DType } from '../../model/dtype.js';
import { float32, uint8 } from '../../model/dtype.js';
import type { OptimizerName } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { elementCount } from '../autograd/strides.js';
import type { Optimizer } from './optimizer.js';
import { state } from './optimizer.js';

/** bitsandbytes/optim/optimizer.py: smaller tensors keep states in fp32. */
const LEAST_QUANTISED_ELEMENTS = 4096;
/** Elements of a state that share a scale since bitsandbytes 0.44 (pull request 1365); torchao's are the same. */
const BLOCK = 256;
/** Entries of a quantisation map, of which there is one for signed and one for unsigned states. */
const MAP_ENTRIES = 256;
/** Larger states of a paged optimizer are in unified memory (`get_state_buffer`). */
const LEAST_PAGED_ELEMENTS = 100_000;

/** Moments of those that bitsandbytes has; its SGD is one with momentum. */
const MOMENTS: Partial<Record<OptimizerName, 1 | 2 | 3>> = {
  adam: 2,
  adamw: 2,
  lamb: 2,
  ademamix: 3,
  lion: 1,
  sgd: 1,
  rmsprop: 1,
  adagrad: 1,
};

export interface BlockwiseOptions {
  moments: 1 | 2 | 3;
  bits: 8 | 32;
  paged: boolean;
  /** Whether a parameter keeps fp32 states all the same. */
  keepsFullPrecision: (parameter: EngineTensor) => boolean;
}

/** Moments of a bitsandbytes optimizer; undefined where it has none of that name. */
export const blockwiseMoments = (name: OptimizerName): 1 | 2 | 3 | undefined => MOMENTS[name];

/**
 * The optimizers of bitsandbytes: fused kernels without temporaries over states of 8 bits, each block with an fp32
 * scale, or of 32 bits. Paged states take no device memory that others need: the driver moves them to the host.
 */
export function blockwise(options: BlockwiseOptions): Optimizer {
  const begun = new Set<EngineTensor>();
  let maps = false;
  const begin = (engine: Engine, parameter: EngineTensor): void => {
    if (begun.has(parameter)) return;
    begun.add(parameter);
    const eight = isQuantised(parameter, options);
    if (eight && !maps) {
      for (let i = 0; i < options.moments; i++) state(engine, [MAP_ENTRIES], float32);
      maps = true;
    }
    beginStates(engine, parameter, eight ? uint8 : float32, options);
  };
  return {
    step: (engine, parameters) => {
      for (const parameter of parameters) begin(engine, parameter);
    },
  };
}

function isQuantised(parameter: EngineTensor, { bits, keepsFullPrecision }: BlockwiseOptions): boolean {
  return bits === 8 && elementCount(parameter.shape) >= LEAST_QUANTISED_ELEMENTS && !keepsFullPrecision(parameter);
}

function beginStates(engine: Engine, { shape }: EngineTensor, dtype: DType, options: BlockwiseOptions): void {
  const elements = elementCount(shape);
  const paged = options.paged && elements >= LEAST_PAGED_ELEMENTS;
  if (!paged) for (let i = 0; i < options.moments; i++) state(engine, shape, dtype);
  if (dtype === float32) return;
  for (let i = 0; i < options.moments; i++) state(engine, [Math.ceil(elements / BLOCK)], float32);
}
