import type { Shape } from '../../model/module-tree.js';

/** Strides in elements; null: contiguous. Only what decides copies is followed, so offsets are left out. */
export type Strides = readonly number[] | null;

export function elementCount(shape: Shape): number {
  let count = 1;
  for (let i = 0; i < shape.length; i++) count *= shape[i]!;
  return count;
}

export function sameShape(a: Shape, b: Shape): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

export function contiguousStrides(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    strides[i] = step;
    step *= shape[i]!;
  }
  return strides;
}

/** null where the strides are those of a contiguous tensor; dimensions of size 1 do not count. */
export function normalise(shape: Shape, strides: readonly number[]): Strides {
  let step = 1;
  for (let i = shape.length - 1; i >= 0; i--) {
    if (shape[i] === 1) continue;
    if (strides[i] !== step) return strides;
    step *= shape[i]!;
  }
  return null;
}

/** Dimensions of the source that lie in memory as one run, from the last: elements and the step between them. */
interface Chunk {
  elements: number;
  step: number;
}

function chunksFromLast(shape: Shape, strides: readonly number[]): Chunk[] {
  const chunks: Chunk[] = [];
  let chunk: Chunk = { elements: 1, step: strides[strides.length - 1]! };
  for (let dim = shape.length - 1; dim >= 0; dim--) {
    chunk.elements *= shape[dim]!;
    const ends = dim === 0 || (shape[dim - 1] !== 1 && strides[dim - 1] !== chunk.elements * chunk.step);
    if (!ends) continue;
    chunks.push(chunk);
    if (dim > 0) chunk = { elements: 1, step: strides[dim - 1]! };
  }
  return chunks;
}

/** Strides of a view with another shape, or undefined where only a copy will do (at::detail::computeStride). */
export function viewStrides(shape: Shape, strides: Strides, target: Shape): Strides | undefined {
  if (strides === null) return null;
  const result = new Array<number>(target.length);
  let dim = target.length - 1;
  for (const { elements, step } of chunksFromLast(shape, strides)) {
    let taken = 1;
    while (dim >= 0 && (taken < elements || target[dim] === 1)) {
      result[dim] = taken * step;
      taken *= target[dim]!;
      dim--;
    }
    if (taken !== elements) return undefined;
  }
  return dim === -1 ? normalise(target, result) : undefined;
}

/** Strides of a tensor of `shape` packed so that the dimensions keep the order of magnitude given by `order`. */
function packed(shape: Shape, order: readonly number[]): Strides {
  const strides = new Array<number>(shape.length);
  let step = 1;
  for (const dim of order) {
    strides[dim] = step;
    step *= shape[dim]!;
  }
  return normalise(shape, strides);
}

/** Positive: dimension `a` must come after `b`, counted from the fastest (TensorIteratorBase::reorder_dimensions). */
function compareDims(shape: Shape, operands: readonly (readonly number[])[], a: number, b: number): number {
  for (const strides of operands) {
    const strideA = strides[a]!;
    const strideB = strides[b]!;
    if (strideA === 0 || strideB === 0) continue;
    if (strideA !== strideB) return strideA - strideB;
    if (shape[a]! > shape[b]!) return 1;
  }
  return 0;
}

function sortDims(shape: Shape, operands: readonly (readonly number[])[]): number[] {
  const order = shape.map((_, i) => shape.length - 1 - i);
  for (let i = 1; i < order.length; i++) {
    let upper = i;
    for (let lower = i - 1; lower >= 0; lower--) {
      const comparison = compareDims(shape, operands, order[lower]!, order[upper]!);
      if (comparison < 0) break;
      if (comparison === 0) continue;
      [order[lower], order[upper]] = [order[upper]!, order[lower]!];
      upper = lower;
    }
  }
  return order;
}

interface Strided {
  readonly shape: Shape;
  readonly strides: Strides;
}

/** Strides of an operand broadcast to `shape`: 0 where it repeats. */
function broadcastStrides(shape: Shape, operand: Strided): number[] {
  const own = operand.strides ?? contiguousStrides(operand.shape);
  const offset = shape.length - operand.shape.length;
  return shape.map((size, i) => (i < offset || (operand.shape[i - offset] === 1 && size !== 1) ? 0 : own[i - offset]!));
}

/** Layout of an elementwise result: it keeps the order of dimensions of its operands. */
export function elementwiseStrides(shape: Shape, operands: readonly Strided[]): Strides {
  if (operands.every((operand) => operand.strides === null)) return null;
  return packed(
    shape,
    sortDims(
      shape,
      operands.map((operand) => broadcastStrides(shape, operand)),
    ),
  );
}

/** Layout of `empty_like`: strides as they are where dense, else packed in the same order of dimensions. */
export function denseStrides(shape: Shape, strides: Strides): Strides {
  return strides === null ? null : packed(shape, sortDims(shape, [strides]));
}

/** Whether the elements fill their memory without gap or overlap, in any order of dimensions. */
export function isDense(shape: Shape, strides: Strides): boolean {
  if (strides === null) return true;
  const order = shape.map((_, i) => i).filter((i) => shape[i] !== 1);
  order.sort((a, b) => strides[a]! - strides[b]!);
  let step = 1;
  for (const dim of order) {
    if (strides[dim] !== step) return false;
    step *= shape[dim]!;
  }
  return true;
}

/** Shapes that do not go together: PyTorch raises an error, too. */
export class ShapeMismatch extends Error {
  override readonly name = 'ShapeMismatch';
}

/** The shape that two shapes broadcast to; throws ShapeMismatch where they do not. */
export function broadcastShape(a: Shape, b: Shape): Shape {
  if (sameShape(a, b)) return a;
  const [long, short] = a.length >= b.length ? [a, b] : [b, a];
  const offset = long.length - short.length;
  return long.map((size, i) => {
    const other = i < offset ? 1 : short[i - offset]!;
    if (size !== other && size !== 1 && other !== 1)
      throw new ShapeMismatch(`shapes [${a.join()}] and [${b.join()}] do not broadcast`);
    return size === 1 ? other : size;
  });
}
