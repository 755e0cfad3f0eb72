import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';
import { customFunction } from './custom-function.js';

const DEFAULT_RANK = 32;

/** RandLoRA: a sum of frozen random bases of full rank together, each scaled by learned diagonals. */
export const randLora: AdapterMethod = (beside) => {
  const { ops, engine, layer, dtype, widest } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const [least, most] = [layer.inFeatures, layer.outFeatures].sort((a, b) => a - b) as [number, number];
  const bases = Math.ceil(least / rank);
  const lambda = beside.trained([rank, bases]);
  const gamma = beside.trained([bases, least]);
  const wide = Math.max(widest.in, widest.out);
  const narrow = Math.min(widest.in, widest.out);
  const mostBases = Math.ceil(narrow / rank);
  beside.shared('randlora_A', () => beside.kept([rank, 1, narrow], dtype));
  const up = beside.shared('randlora_B', () => beside.kept([wide, mostBases, rank], dtype));
  const scaled = (): Tensor => {
    const shape = [rank, bases, least];
    return customFunction(engine, {
      name: 'unique_base_grad',
      inputs: [lambda, gamma],
      saves: [lambda, gamma],
      forward: () => ops.derive('mul', [ops.derive('mul', [], shape, dtype)], shape, dtype),
      backward: (gradient) => {
        const parts = [lambda, gamma].map(({ shape: part }) => {
          const product = ops.derive('einsum', [], gradient.shape, dtype);
          return ops.derive('sum', [product], part, dtype);
        });
        return parts;
      },
    });
  };
  const narrowFirst = least === layer.inFeatures;
  return (x, base) => {
    ops.enter([x]);
    const result = ops.keep(base(x));
    const rows = ops.slice(ops.slice(up, 0, 0, most), 1, 0, bases);
    const fixed = ops.keep(ops.reshape(rows, [most, bases * rank]));
    const learned = ops.keep(ops.reshape(scaled(), [rank * bases, least]));
    const first = narrowFirst ? learned : ops.transpose(fixed, 0, 1);
    const second = narrowFirst ? fixed : ops.transpose(learned, 0, 1);
    const input = ops.keep(ops.to(x, dtype));
    const inner = ops.linearWith(ops.dropout(input, beside.dropout), first, null);
    const change = ops.mulScalar(ops.linearWith(inner, second, null));
    const sum = ops.rebind(result, ops.add(result, change));
    return ops.leave(ops.to(sum, x.dtype));
  };
};
