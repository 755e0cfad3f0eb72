import { float32 } from '../dtype.js';
import type { Buffer, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';

/** The angles of all positions, which every layer shares: [positions, pairs, 2]. */
export function rotaryCache(scope: Scope, positions: number, size: number): Buffer {
  scope.buffer('theta', [size / 2], float32);
  return scope.buffer('cache', [positions, size / 2, 2], float32);
}

/**
 * `RotaryPositionalEmbeddings` of torchtune: pairs of elements in fp32, each turned by four products, stacked and cast
 * back.
 */
export function torchtuneRotary(ops: Operations, x: Tensor, cache: Buffer): Tensor {
  ops.enter([x]);
  const [batch, length, heads, size] = x.shape as readonly [number, number, number, number];
  const rows = ops.keep(ops.slice(ops.buffer(cache), 0, 0, length));
  const pairs = ops.keep(ops.reshape(ops.to(x, float32), [batch, length, heads, size / 2, 2]));
  const table = ops.rebind(rows, ops.view(rows, [1, length, 1, size / 2, 2]));
  const product = (): Tensor => ops.mul(ops.select(pairs, 4), ops.select(table, 4));
  const first = ops.sub(product(), product());
  const second = ops.add(product(), product());
  const stacked = ops.keep(ops.cat([ops.unsqueeze(first, 4), ops.unsqueeze(second, 4)], 4));
  const flat = ops.rebind(stacked, ops.reshape(stacked, [batch, length, heads, size]));
  return ops.leave(ops.to(flat, x.dtype));
}
