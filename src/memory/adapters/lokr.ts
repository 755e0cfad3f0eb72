import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod, BesideLayer } from './adapter-method.js';
import { withWholeWeight } from './adapter-method.js';

const DEFAULT_RANK = 8;

/** The two factors of a width that are nearest to each other, the smaller first (`factorization` with factor -1). */
export function nearestFactors(width: number): [number, number] {
  let small = Math.floor(Math.sqrt(width));
  while (width % small !== 0) small--;
  return [small, width / small];
}

/** The larger Kronecker factor, whole or of low rank. */
function largeFactor(beside: BesideLayer, rows: number, columns: number): () => Tensor {
  const rank = beside.rank ?? DEFAULT_RANK;
  if (rank >= Math.max(rows, columns) / 2) {
    const whole = beside.trained([rows, columns]);
    return () => whole;
  }
  const left = beside.trained([rows, rank]);
  const right = beside.trained([rank, columns]);
  return () => beside.ops.mm(left, right);
}

/** LoKr: the change of the whole weight is a Kronecker product, made anew in each pass. */
export const loKr: AdapterMethod = (beside) => {
  const { ops, layer } = beside;
  const [outSmall, outLarge] = nearestFactors(layer.outFeatures);
  const [inSmall, inLarge] = nearestFactors(layer.inFeatures);
  const small = beside.trained([outSmall, inSmall]);
  const large = largeFactor(beside, outLarge, inLarge);
  const weight = (): Tensor => {
    const left = ops.view(small, [outSmall, 1, inSmall, 1]);
    const right = ops.view(large(), [1, outLarge, 1, inLarge]);
    return ops.mulScalar(ops.view(ops.mul(left, right), [layer.outFeatures, layer.inFeatures]));
  };
  return withWholeWeight(beside, weight);
};
