import { bool, float32, int64 } from '../dtype.js';
import type { Parameter } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';

/** T5's `_relative_position_bucket`: the bucket of each pair of positions, in logarithmic steps. */
function relativeBuckets(ops: Operations, relative: Tensor, bidirectional: boolean): Tensor {
  ops.enter([relative]);
  const pairs = relative.shape;
  const long = (name: string, inputs: readonly Tensor[]): Tensor => ops.derive(name, inputs, pairs, int64);
  const real = (name: string, inputs: readonly Tensor[]): Tensor => ops.derive(name, inputs, pairs, float32);
  let buckets: Tensor | null = null;
  if (bidirectional) {
    const later = long('to_copy', [ops.derive('gt', [], pairs, bool)]);
    buckets = ops.keep(long('add', [long('mul', [later])]));
    ops.keep(long('abs', []));
  } else {
    ops.keep(long('neg', [long('minimum', [ops.create('zeros_like', pairs, int64)])]));
  }
  const small = ops.keep(ops.derive('lt', [], pairs, bool));
  const logarithm = real('log', [real('div', [real('to_copy', [])])]);
  const steps = long('to_copy', [real('mul', [real('div', [logarithm])])]);
  let large = ops.keep(long('add', [steps]));
  large = ops.rebind(large, long('minimum', [ops.create('full_like', pairs, int64)]));
  const chosen = long('where', [small, large]);
  if (buckets === null) return ops.leave(long('add', [chosen]));
  ops.drop(chosen);
  return ops.leave(buckets);
}

/** T5's `compute_bias`: one number for each head and pair of positions, as a view [1, heads, length, length]. */
export function relativePositionBias(
  ops: Operations,
  table: Parameter,
  [queries, keys]: readonly [number, number],
  bidirectional: boolean,
): Tensor {
  ops.enter([]);
  ops.keep(ops.create('arange', [keys], int64));
  const relative = ops.keep(ops.derive('sub', [], [queries, keys], int64));
  const buckets = ops.keep(relativeBuckets(ops, relative, bidirectional));
  const values = ops.keep(ops.embedding(buckets, table));
  return ops.leave(ops.unsqueeze(ops.permute(values, [2, 0, 1]), 0));
}
