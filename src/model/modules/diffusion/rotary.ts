import { float32, float64 } from '../../dtype.js';
import type { Operations, Tensor } from '../../operations.js';

/** Cosines and sines in fp32 for each position. */
export interface RotaryTable {
  cos: Tensor;
  sin: Tensor;
}

/** `torch.stack` along a new last dimension. */
const stackLast = (ops: Operations, parts: readonly Tensor[]): Tensor =>
  ops.cat(
    parts.map((part) => ops.unsqueeze(part, part.shape.length)),
    parts[0]!.shape.length,
  );

/**
 * `apply_rotary_emb` of diffusers: neighbouring elements are rotated in fp32. `table` is brought to the shape of `x` but
 * for sizes of 1.
 */
export function rotate(ops: Operations, x: Tensor, { cos, sin }: RotaryTable, tableShape: readonly number[]): Tensor {
  ops.enter([x]);
  const { shape } = x;
  const wide = (table: Tensor): Tensor => ops.view(table, tableShape);
  const [real, imaginary] = ops.unbind(ops.reshape(x, [...shape.slice(0, -1), -1, 2]), shape.length) as [
    Tensor,
    Tensor,
  ];
  ops.keep(real);
  ops.keep(imaginary);
  const rotated = ops.keep(ops.reshape(stackLast(ops, [ops.neg(imaginary), real]), shape));
  const straight = ops.mul(ops.to(x, float32), wide(cos));
  const turned = ops.mul(ops.to(rotated, float32), wide(sin));
  return ops.leave(ops.to(ops.add(straight, turned), x.dtype));
}

/** `get_1d_rotary_pos_embed` in fp64 for each axis, brought together in fp32: [length, sum of the axes]. */
export function axialRotaryTable(ops: Operations, length: number, axes: readonly number[]): RotaryTable {
  ops.enter([]);
  const tables = axes.map((size) => axisTable(ops, length, size).map((table) => ops.keep(table)));
  const width = axes.reduce((sum, size) => sum + size, 0);
  const joined = [0, 1].map(() => ops.keep(ops.create('cat', [length, width], float32)));
  for (const table of tables.flat()) ops.drop(table);
  const [cos, sin] = ops.leave(joined as [Tensor, Tensor]);
  return { cos, sin };
}

function axisTable(ops: Operations, length: number, size: number): [Tensor, Tensor] {
  ops.enter([]);
  const half = size / 2;
  const power = ops.keep(
    ops.derive('pow', [ops.derive('div', [ops.create('arange', [half], float64)], [half], float64)], [half], float64),
  );
  const inverse = ops.derive('mul', [ops.create('reciprocal', [half], float64)], [half], float64);
  ops.drop(power);
  const frequencies = ops.derive('div', [inverse], [half], float64);
  const angles = ops.keep(ops.derive('mul', [frequencies], [length, half], float64));
  const repeated = (name: string): Tensor => {
    const twice = ops.derive('clone', [ops.create(name, [length, half], float64)], [length, size], float64);
    return ops.keep(ops.derive('to_copy', [twice], [length, size], float32));
  };
  const result: [Tensor, Tensor] = [repeated('cos'), repeated('sin')];
  ops.drop(angles);
  return ops.leave(result);
}
