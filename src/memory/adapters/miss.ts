import type { AdapterMethod } from './adapter-method.js';
import { added } from './adapter-method.js';

const DEFAULT_RANK = 64;

/** MiSS: the input's blocks are summed up and multiplied by one factor. */
export const miss: AdapterMethod = (beside) => {
  const { ops, layer } = beside;
  const rank = Math.min(beside.rank ?? DEFAULT_RANK, layer.inFeatures);
  const factor = beside.trained([rank, layer.outFeatures]);
  const padding = (rank - (layer.inFeatures % rank)) % rank;
  return added(beside, (input) => {
    const whole = padding === 0 ? input : ops.pad(input, [0, padding]);
    const outer = input.shape.slice(0, -1);
    const blocks = ops.reshape(ops.dropout(whole, beside.dropout), [...outer, -1, rank]);
    return ops.productWith(ops.sum(blocks, [-2], false), factor);
  });
};
