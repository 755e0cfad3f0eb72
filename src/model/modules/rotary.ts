import { float32 } from '../dtype.js';
import type { Buffer } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** cos and sin of the positions' angles, in the activations' type (transformers' RotaryEmbedding.forward). */
export function rotaryTable(
  ops: Operations,
  x: Tensor,
  positions: Tensor,
  frequencies: Buffer,
): [cos: Tensor, sin: Tensor] {
  return ops.noGrad(() => ops.withoutAutocast(() => table(ops, x, positions, ops.buffer(frequencies))));
}

const table = module((ops, x: Tensor, positions: Tensor, frequencies: Tensor): [Tensor, Tensor] => {
  const expanded = ops.keep(ops.view(frequencies, [1, frequencies.shape[0]!, 1]));
  const at = ops.keep(ops.to(ops.unsqueeze(positions, 1), float32));
  const angles = ops.keep(ops.transpose(ops.matmul(expanded, at), 1, 2));
  const pairs = ops.keep(ops.cat([angles, angles], 2));
  const cos = ops.keep(ops.mulScalar(ops.cos(pairs)));
  const sin = ops.keep(ops.mulScalar(ops.sin(pairs)));
  return [ops.to(cos, x.dtype), ops.to(sin, x.dtype)];
});

const rotateHalf = module((ops, x: Tensor): Tensor => {
  const last = x.shape.length - 1;
  const half = x.shape[last]! / 2;
  const first = ops.keep(ops.slice(x, last, 0, half));
  const second = ops.keep(ops.slice(x, last, half, 2 * half));
  return ops.cat([ops.neg(second), first], last);
});

/** x * cos + rotate_half(x) * sin */
export function rotate(ops: Operations, x: Tensor, cos: Tensor, sin: Tensor): Tensor {
  return ops.add(ops.mul(x, cos), ops.mul(rotateHalf(ops, x), sin));
}

/** `apply_rotary_pos_emb`: queries first, then keys. */
export function applyRotary(
  ops: Operations,
  [query, key]: readonly [Tensor, Tensor],
  [cos, sin]: readonly [Tensor, Tensor],
): [Tensor, Tensor] {
  ops.enter([query, key, cos, sin]);
  const rowCos = ops.keep(ops.unsqueeze(cos, 1));
  const rowSin = ops.keep(ops.unsqueeze(sin, 1));
  const rotatedQuery = ops.keep(rotate(ops, query, rowCos, rowSin));
  const rotatedKey = ops.keep(rotate(ops, key, rowCos, rowSin));
  return ops.leave([rotatedQuery, rotatedKey]);
}

/** `apply_rotary_pos_emb` where only the first part of each head turns (GPT-NeoX, Phi, StableLM). */
export function applyPartialRotary(
  ops: Operations,
  [query, key]: readonly [Tensor, Tensor],
  [cos, sin]: readonly [Tensor, Tensor],
): [Tensor, Tensor] {
  ops.enter([query, key, cos, sin]);
  const rowCos = ops.keep(ops.unsqueeze(cos, 1));
  const rowSin = ops.keep(ops.unsqueeze(sin, 1));
  const turning = cos.shape[cos.shape.length - 1]!;
  const size = query.shape[3]!;
  const cut = (x: Tensor): [Tensor, Tensor] => [
    ops.keep(ops.slice(x, 3, 0, turning)),
    ops.keep(ops.slice(x, 3, turning, size)),
  ];
  const [queryTurns, queryStays] = cut(query);
  const [keyTurns, keyStays] = cut(key);
  const turnedQuery = ops.keep(rotate(ops, queryTurns, rowCos, rowSin));
  const turnedKey = ops.keep(rotate(ops, keyTurns, rowCos, rowSin));
  const wholeQuery = ops.rebind(turnedQuery, ops.cat([turnedQuery, queryStays], 3));
  const wholeKey = ops.rebind(turnedKey, ops.cat([turnedKey, keyStays], 3));
  return ops.leave([wholeQuery, wholeKey]);
}

/** The same written out in a module's own frame, where the four parts stay named to its end (Phi, StableLM). */
export function keepPartlyRotated(
  ops: Operations,
  [query, key]: readonly [Tensor, Tensor],
  [cos, sin]: readonly [Tensor, Tensor],
): [Tensor, Tensor] {
  const turning = cos.shape[cos.shape.length - 1]!;
  const cut = (x: Tensor): [Tensor, Tensor] => [
    ops.keep(ops.slice(x, 3, 0, turning)),
    ops.keep(ops.slice(x, 3, turning, x.shape[3]!)),
  ];
  const [queryPart, queryStays] = cut(query);
  const [keyPart, keyStays] = cut(key);
  const [turnedQuery, turnedKey] = applyRotary(ops, [queryPart, keyPart], [cos, sin]);
  const queryTurns = ops.rebind(queryPart, turnedQuery);
  const keyTurns = ops.rebind(keyPart, turnedKey);
  const wholeQuery = ops.rebind(query, ops.cat([queryTurns, queryStays], 3));
  const wholeKey = ops.rebind(key, ops.cat([keyTurns, keyStays], 3));
  return [wholeQuery, wholeKey];
}

/** Phi-3's: each result in one expression, so that only the slices are named. */
export function applyPartialRotaryAtOnce(
  ops: Operations,
  [query, key]: readonly [Tensor, Tensor],
  [cos, sin]: readonly [Tensor, Tensor],
): [Tensor, Tensor] {
  ops.enter([query, key, cos, sin]);
  const rowCos = ops.keep(ops.unsqueeze(cos, 1));
  const rowSin = ops.keep(ops.unsqueeze(sin, 1));
  const turning = cos.shape[cos.shape.length - 1]!;
  const cut = (x: Tensor): [Tensor, Tensor] => [
    ops.keep(ops.slice(x, 3, 0, turning)),
    ops.keep(ops.slice(x, 3, turning, x.shape[3]!)),
  ];
  const [queryTurns, queryStays] = cut(query);
  const [keyTurns, keyStays] = cut(key);
  const wholeQuery = ops.keep(ops.cat([rotate(ops, queryTurns, rowCos, rowSin), queryStays], 3));
  const wholeKey = ops.keep(ops.cat([rotate(ops, keyTurns, rowCos, rowSin), keyStays], 3));
  return ops.leave([wholeQuery, wholeKey]);
}
