import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';
import { withWholeWeight } from './adapter-method.js';
import { customFunction } from './custom-function.js';

const DEFAULT_RANK = 8;

/** LoHa: the change of the whole weight is the elementwise product of two low-rank ones, made anew in each pass. */
export const loHa: AdapterMethod = (beside) => {
  const { ops, engine, layer } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const pair = (): [Tensor, Tensor] => [
    beside.trained([layer.outFeatures, rank]),
    beside.trained([rank, layer.inFeatures]),
  ];
  const [first, second] = [pair(), pair()];
  const factors = [...first, ...second];
  /** `HadaWeight.backward`: both products are made again, one after the other. */
  const backward = (gradient: Tensor): Tensor[] => {
    ops.enter([]);
    const scaled = ops.keep(ops.mulScalar(gradient));
    const gradients = (
      [
        [second, first],
        [first, second],
      ] as const
    ).flatMap(([other, [left, right]]) => {
      const part = ops.mul(scaled, ops.mm(...other));
      ops.keep(part);
      const ofLeft = ops.keep(ops.mm(part, ops.transpose(right, 0, 1)));
      return [ofLeft, ops.keep(ops.mm(ops.transpose(left, 0, 1), part))];
    });
    return ops.leave(gradients);
  };
  const change = (): Tensor =>
    customFunction(engine, {
      name: 'hada_weight',
      inputs: factors,
      saves: factors,
      forward: () => ops.mulScalar(ops.mul(ops.mm(...first), ops.mm(...second))),
      backward,
    });
  return withWholeWeight(beside, change);
};
