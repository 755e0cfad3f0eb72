import type { DType } from '../dtype.js';
import { bool, int64 } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/**
 * `create_causal_mask` of transformers 4.57 without an attention mask and without a cache: it looks in the position ids
 * for packed sequences, and then makes a mask [batch, 1, length, length] whether or not there are any.
 */
export function packedCausalMask(ops: Operations, positionIds: Tensor, dtype: DType): Tensor | null {
  if (ops.attention === 'flash') return null;
  ops.enter([positionIds]);
  const sequences = ops.keep(packedSequences(ops, positionIds));
  if (ops.attention === 'sdpa') return ops.leave(visible(ops, sequences));
  const allowed = ops.keep(visible(ops, sequences));
  const zero = ops.create('to_copy', [], dtype);
  return ops.leave(ops.where(allowed, zero, ops.create('scalar_tensor', [], dtype)));
}

/** `find_packed_sequence_indices`: the number of the sequence that each token belongs to. */
const packedSequences = module((ops, positionIds: Tensor): Tensor => {
  const { shape } = positionIds;
  const [batch, length] = shape as readonly [number, number];
  ops.keep(ops.create('sub', [batch, 1], int64));
  ops.keep(ops.derive('sub', [ops.create('cat', [batch, length + 1], int64)], shape, int64));
  return ops.derive('cumsum', [ops.create('ne', shape, bool)], shape, int64);
});

/** `sdpa_mask`: keys not after the query, and of its sequence. */
const visible = module((ops, sequences: Tensor): Tensor => {
  const [batch, length] = sequences.shape as readonly [number, number];
  for (const size of [length, batch, 1]) ops.keep(ops.create('arange', [size], int64));
  const causal = ops.keep(causalPairs(ops, length));
  const rows = [0, 1].map(() => ops.create('index', [batch, length], int64));
  const same = ops.derive('eq', rows, [batch, 1, length, length], bool);
  return ops.derive('bitwise_and', [causal, same], [batch, 1, length, length], bool);
});

function causalPairs(ops: Operations, length: number): Tensor {
  ops.enter([]);
  ops.keep(ops.create('new_ones', [length], bool));
  return ops.leave(ops.derive('bitwise_and', [ops.create('le', [length, length], bool)], [length, length], bool));
}
