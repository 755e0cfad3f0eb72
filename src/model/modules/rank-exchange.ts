import type { Operations, Tensor } from '../operations.js';
import type { RankView } from '../rank-view.js';

/** Ranks from which split layers gather the sequence; they have it whole where it is not split between them. */
export const gatherRanks = ({ tensor, sequence }: RankView): number => (sequence ? tensor : 1);

/** Sums over ranks are taken in place, or scattered along the sequence. */
export const sumOfRanks = (ops: Operations, x: Tensor, { tensor, sequence }: RankView): Tensor =>
  sequence && tensor > 1 ? ops.reduceScatter(x, 0, tensor) : x;
