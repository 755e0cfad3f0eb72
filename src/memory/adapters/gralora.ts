import type { AdapterMethod } from './adapter-method.js';
import { requireBlocks } from './adapter-method.js';

const DEFAULT_RANK = 32;
const BLOCKS = 2;

/** GraLoRA: low-rank factors for each block of the weight, whose ranks are spread over the blocks of the result. */
export const graLora: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  requireBlocks('gralora', layer, BLOCKS, [layer.inFeatures, layer.outFeatures]);
  const [inner, outer] = [layer.inFeatures / BLOCKS, layer.outFeatures / BLOCKS];
  const down = beside.trained([BLOCKS, inner, rank]);
  const up = beside.trained([BLOCKS, rank, outer]);
  return (x, base) => {
    ops.enter([x]);
    const result = ops.keep(base(x));
    const [batch, length] = x.shape as readonly [number, number];
    const rows = batch * length;
    const input = ops.dropout(ops.to(x, dtype), beside.dropout);
    const blocks = ops.transpose(ops.reshape(input, [rows, BLOCKS, inner]), 0, 1);
    const ranks = ops.transpose(ops.bmm(blocks, down), 0, 1);
    const spread = ops.permute(ops.reshape(ranks, [rows, BLOCKS, BLOCKS, rank / BLOCKS]), [0, 2, 1, 3]);
    const mixed = ops.transpose(ops.reshape(spread, [rows, BLOCKS, rank]), 0, 1);
    const change = ops.keep(ops.reshape(ops.transpose(ops.bmm(mixed, up), 0, 1), result.shape));
    const sum = ops.rebind(result, ops.addInPlace(result, ops.mulScalar(ops.to(change, result.dtype))));
    return ops.leave(ops.to(sum, x.dtype));
  };
};
