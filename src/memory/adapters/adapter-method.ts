import type { DType } from '../../model/dtype.js';
import type { Linear, Shape } from '../../model/module-tree.js';
import type { Tensor } from '../../model/operations.js';
import type { PeftMethod } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import { NotEstimable } from '../not-estimable.js';
import type { AdapterOperations } from './adapter-operations.js';

/** What a method is given for one linear layer of the model. */
export interface BesideLayer {
  layer: Linear;
  engine: Engine;
  ops: AdapterOperations;
  /** Rank, block size or the like as the run says it; null: the method's own default. */
  rank: number | null;
  dropout: number;
  /** Type of what is trained. */
  dtype: DType;
  /** Widths of the widest of the layers that are adapted. */
  widest: { in: number; out: number };
  /** Places a parameter that is trained. */
  trained(shape: Shape): Tensor;
  /** Places a tensor that is not. */
  kept(shape: Shape, dtype?: DType): Tensor;
  /** What all layers of the model have in common, under a name: made for the first of them. */
  shared(name: string, make: () => Tensor): Tensor;
  /** The layer's own weight. */
  weight(): Tensor;
}

/** Methods that work on blocks of features stop where these do not divide the layer's (`update_layer` of each in peft). */
export function requireBlocks(method: PeftMethod, { path }: Linear, block: number, features: readonly number[]): void {
  const uneven = features.find((count) => count % block !== 0);
  if (uneven === undefined) return;
  const reason = `${method} works on blocks of ${block} features, which do not divide the ${uneven} of ${path}`;
  throw new NotEstimable([{ field: 'peft.method', reason }]);
}

/** `forward` of an adapted layer: what the layer itself does is `base`. */
export type AdaptedForward = (x: Tensor, base: (x: Tensor) => Tensor) => Tensor;

/** Places what a method trains beside a linear layer, and says how that changes the layer's result. */
export type AdapterMethod = (beside: BesideLayer) => AdaptedForward;

/**
 * `result = base(x); result = result + change(x.to(adapter's type)); return result.to(x's type)`: how most methods of peft
 * are put beside a layer.
 */
export function added(beside: BesideLayer, change: (input: Tensor) => Tensor): AdaptedForward {
  const { ops, dtype } = beside;
  return (x, base) => {
    ops.enter([x]);
    const result = ops.keep(base(x));
    const input = ops.keep(ops.to(x, dtype));
    const sum = ops.rebind(result, ops.add(result, change(input)));
    return ops.leave(ops.to(sum, x.dtype));
  };
}

/** The same where the change is a product with a whole weight [out, in], which is made before the input is cast. */
export function withWholeWeight(beside: BesideLayer, weight: () => Tensor): AdaptedForward {
  const { ops, dtype } = beside;
  return (x, base) => {
    ops.enter([x]);
    const result = ops.keep(base(x));
    ops.enter([]);
    const whole = ops.keep(weight());
    const change = ops.leave(ops.linearWith(ops.keep(ops.to(x, dtype)), whole, null));
    const sum = ops.rebind(result, ops.add(result, change));
    return ops.leave(ops.to(sum, x.dtype));
  };
}
