import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';

const DEFAULT_RANK = 4;
const VECTORS = 256;
const LENGTH = 256;
const CHOSEN = 2;

/** VB-LoRA: low-rank factors are put together from a bank of vectors that all layers share. */
export const vbLora: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  let length = LENGTH;
  while (layer.inFeatures % length !== 0 || layer.outFeatures % length !== 0) length /= 2;
  const down = beside.trained([rank, layer.inFeatures / length, VECTORS]);
  const up = beside.trained([layer.outFeatures / length, rank, VECTORS]);
  const bank = beside.shared('vector_bank', () => beside.trained([VECTORS, length]));
  const factor = (logits: Tensor): Tensor => {
    ops.enter([logits]);
    const [best, places] = ops.topK(logits, CHOSEN);
    ops.keep(best);
    ops.keep(places);
    const weights = ops.keep(ops.softmax(best));
    const vectors = ops.index(bank, [places], [...places.shape, length]);
    return ops.leave(ops.sum(ops.mul(ops.unsqueeze(weights, 3), vectors), [-2], false));
  };
  return (x, base) => {
    ops.enter([x]);
    const result = ops.keep(base(x));
    const first = ops.keep(ops.reshape(factor(down), [rank, layer.inFeatures]));
    const second = ops.keep(ops.reshape(ops.transpose(factor(up), 1, 2), [layer.outFeatures, rank]));
    const input = ops.keep(ops.to(x, dtype));
    const change = ops.linearWith(ops.linearWith(ops.dropout(input, beside.dropout), first, null), second, null);
    const sum = ops.rebind(result, ops.add(result, change));
    return ops.leave(ops.to(sum, x.dtype));
  };
};
