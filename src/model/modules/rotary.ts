import type { DType } from '../dtype.js';
import { float32, int64 } from '../dtype.js';
import type { Buffer } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** How the table of angles is made. */
export interface RotaryTableOptions {
  /** Each angle twice in a row, where the halves turn as pairs of neighbours. */
  interleaved?: boolean;
  /** Each angle once: the halves are turned one after the other. */
  once?: boolean;
  /** One table of complex numbers, `polar(1, angle)`, in place of two; it stands for both. */
  complex?: boolean;
  /** In fp32, whatever the activations' type. */
  inFloat32?: boolean;
}

/** cos and sin of the positions' angles, in the activations' type (transformers' RotaryEmbedding.forward). */
export function rotaryTable(
  ops: Operations,
  [x, positions]: readonly [Tensor, Tensor],
  frequencies: Buffer,
  options: RotaryTableOptions = {},
): [cos: Tensor, sin: Tensor] {
  return ops.noGrad(() => ops.withoutAutocast(() => table(ops, [x, positions, ops.buffer(frequencies)], options)));
}

function table(
  ops: Operations,
  [x, positions, frequencies]: readonly [Tensor, Tensor, Tensor],
  { interleaved = false, once = false, complex = false, inFloat32 = false }: RotaryTableOptions,
): [Tensor, Tensor] {
  ops.enter([x, positions, frequencies]);
  const expanded = ops.keep(ops.view(frequencies, [1, frequencies.shape[0]!, 1]));
  const at = ops.keep(ops.to(ops.unsqueeze(positions, 1), float32));
  const angles = ops.keep(ops.transpose(ops.matmul(expanded, at), 1, 2));
  if (complex) {
    const polar = ops.leave(complexTable(ops, angles));
    return [polar, polar];
  }
  const twice = (): Tensor => ops.keep(interleaved ? repeatEach(ops, angles) : ops.cat([angles, angles], 2));
  const pairs = once ? angles : twice();
  const cos = ops.keep(ops.mulScalar(ops.cos(pairs)));
  const sin = ops.keep(ops.mulScalar(ops.sin(pairs)));
  return ops.leave(inFloat32 ? [cos, sin] : [ops.to(cos, x.dtype), ops.to(sin, x.dtype)]);
}

/** `polar(ones_like(angles), angles)`, scaled: two numbers for each angle. */
function complexTable(ops: Operations, angles: Tensor): Tensor {
  const ones = ops.create('ones_like', angles.shape, angles.dtype);
  const shape = [...angles.shape.slice(0, -1), 2 * angles.shape[angles.shape.length - 1]!];
  const polar = ops.keep(ops.derive('polar', [ones], shape, angles.dtype));
  return ops.rebind(polar, ops.mulScalar(polar));
}

/** `x.repeat_interleave(2, dim=-1)`: a copy. */
export function repeatEach(ops: Operations, x: Tensor): Tensor {
  const size = x.shape[x.shape.length - 1]!;
  const outer = x.shape.slice(0, -1);
  const twice = ops.expand(ops.unsqueeze(x, x.shape.length), [...x.shape, 2]);
  return ops.reshape(ops.contiguous(twice), [...outer, 2 * size]);
}

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

interface Parts {
  queryTurns: Tensor;
  queryStays: Tensor;
  keyTurns: Tensor;
  keyStays: Tensor;
  turned: (part: Tensor) => Tensor;
}

/** Queries and keys cut where turning ends, each part named. */
function cutWhereTurningEnds(
  ops: Operations,
  [query, key]: readonly [Tensor, Tensor],
  [cos, sin]: readonly [Tensor, Tensor],
): Parts {
  const rowCos = ops.keep(ops.unsqueeze(cos, 1));
  const rowSin = ops.keep(ops.unsqueeze(sin, 1));
  const turning = cos.shape[cos.shape.length - 1]!;
  const cut = (x: Tensor): [Tensor, Tensor] => [
    ops.keep(ops.slice(x, 3, 0, turning)),
    ops.keep(ops.slice(x, 3, turning, x.shape[3]!)),
  ];
  const [queryTurns, queryStays] = cut(query);
  const [keyTurns, keyStays] = cut(key);
  return { queryTurns, queryStays, keyTurns, keyStays, turned: (part) => rotate(ops, part, rowCos, rowSin) };
}

/** Phi-3's: each result in one expression, so that only the slices are named. */
export const applyPartialRotaryAtOnce: Rotation = (ops, heads, turns) => {
  ops.enter([...heads, ...turns]);
  const { queryTurns, queryStays, keyTurns, keyStays, turned } = cutWhereTurningEnds(ops, heads, turns);
  const wholeQuery = ops.keep(ops.cat([turned(queryTurns), queryStays], 3));
  const wholeKey = ops.keep(ops.cat([turned(keyTurns), keyStays], 3));
  return ops.leave([wholeQuery, wholeKey]);
};

/** Nemotron's: both parts turn, then both are joined with what stays. */
export const applyPartialRotaryJoined: Rotation = (ops, heads, turns) => {
  ops.enter([...heads, ...turns]);
  const { queryTurns, queryStays, keyTurns, keyStays, turned } = cutWhereTurningEnds(ops, heads, turns);
  const turnedQuery = ops.keep(turned(queryTurns));
  const turnedKey = ops.keep(turned(keyTurns));
  return ops.leave([ops.cat([turnedQuery, queryStays], 3), ops.cat([turnedKey, keyStays], 3)]);
};

/** gpt-oss's `_apply_rotary_emb`: each half from products of both, with a table of single angles. */
const rotateHalves = module((ops, x: Tensor, cos: Tensor, sin: Tensor): Tensor => {
  const size = x.shape[3]!;
  const [first, second] = ops.split(x, [size / 2, size / 2], 3).map((half) => ops.keep(half)) as [Tensor, Tensor];
  const turnedFirst = ops.keep(ops.sub(ops.mul(first, cos), ops.mul(second, sin)));
  const turnedSecond = ops.keep(ops.add(ops.mul(second, cos), ops.mul(first, sin)));
  return ops.cat([turnedFirst, turnedSecond], 3);
});

/** gpt-oss's: queries, then keys. */
export const applyHalves: Rotation = (ops, [query, key], [cos, sin]) => {
  ops.enter([query, key, cos, sin]);
  const rowCos = ops.keep(ops.unsqueeze(cos, 1));
  const rowSin = ops.keep(ops.unsqueeze(sin, 1));
  const turnedQuery = ops.keep(rotateHalves(ops, query, rowCos, rowSin));
  const turnedKey = ops.keep(rotateHalves(ops, key, rowCos, rowSin));
  return ops.leave([turnedQuery, turnedKey]);
};

/** DeepSeek V2's `apply_rotary_emb`: products of complex numbers in fp32; `dim`: where the heads are. */
const applyComplex =
  (dim: number, inOneExpression: boolean): Rotation =>
  (ops, heads, [table]) => {
    ops.enter([...heads, table]);
    const [query, key] = heads.map((x) => ops.keep(ops.to(x, float32))) as [Tensor, Tensor];
    const angles = ops.keep(ops.unsqueeze(table, dim));
    const turn = (x: Tensor, dtype: DType): Tensor => {
      const product = ops.keep(ops.mulComplex(x, angles));
      return inOneExpression ? ops.rebind(product, ops.to(product, dtype)) : product;
    };
    const turned = [turn(query, heads[0].dtype), turn(key, heads[1].dtype)] as const;
    return ops.leave([ops.to(turned[0], heads[0].dtype), ops.to(turned[1], heads[1].dtype)]);
  };
export const applyComplexToHeads = applyComplex(1, true);
/** Llama 4's, before heads come first. */
export const applyComplexToRows = applyComplex(2, false);

/** What turns queries and keys: `[query, key]`, then `[cos, sin]`. */
export type Rotation = (
  ops: Operations,
  heads: readonly [Tensor, Tensor],
  table: readonly [Tensor, Tensor],
) => [Tensor, Tensor];

/** OLMo's: the table is in fp32, so the products are, and the results are lowered again. */
export const applyRotaryLowered: Rotation = (ops, [query, key], [cos, sin]) => {
  ops.enter([query, key, cos, sin]);
  const rowCos = ops.keep(ops.unsqueeze(cos, 1));
  const rowSin = ops.keep(ops.unsqueeze(sin, 1));
  const turnedQuery = ops.keep(rotate(ops, query, rowCos, rowSin));
  const turnedKey = ops.keep(rotate(ops, key, rowCos, rowSin));
  return ops.leave([ops.to(turnedQuery, query.dtype), ops.to(turnedKey, key.dtype)]);
};

/** Neighbours as pairs: `stack((-x[1::2], x[::2]), -1).flatten(-2)`. */
export const rotatePairs = module((ops, x: Tensor): Tensor => {
  const last = x.shape.length - 1;
  const first = ops.keep(ops.everyNth(x, last, [0, 2]));
  const second = ops.keep(ops.everyNth(x, last, [1, 2]));
  const stacked = ops.cat([ops.unsqueeze(ops.neg(second), last + 1), ops.unsqueeze(first, last + 1)], last + 1);
  return ops.reshape(stacked, x.shape);
});

/** Cohere's: in fp32, neighbours as pairs. */
export const applyPairsInFloat32: Rotation = (ops, heads, [cos, sin]) => {
  ops.enter([...heads, cos, sin]);
  const [query, key] = heads.map((x) => ops.keep(ops.to(x, float32))) as [Tensor, Tensor];
  const rowCos = ops.keep(ops.unsqueeze(cos, 1));
  const rowSin = ops.keep(ops.unsqueeze(sin, 1));
  const turn = (x: Tensor): Tensor => ops.keep(ops.add(ops.mul(x, rowCos), ops.mul(rotatePairs(ops, x), rowSin)));
  const [turnedQuery, turnedKey] = [turn(query), turn(key)];
  return ops.leave([ops.to(turnedQuery, heads[0].dtype), ops.to(turnedKey, heads[1].dtype)]);
};

/** The first half of a table of paired angles, each twice in a row; kept in the caller's frame. */
function keepInterleaved(ops: Operations, table: Tensor): Tensor {
  const rows = ops.keep(ops.unsqueeze(table, 1));
  const last = rows.shape.length - 1;
  return ops.rebind(rows, repeatEach(ops, ops.slice(rows, last, 0, rows.shape[last]! / 2)));
}

/** ERNIE 4.5's: neighbours as pairs, factors raised to fp32, the table unfolded at each call. */
export const applyPairsRaised: Rotation = (ops, [query, key], [cos, sin]) => {
  ops.enter([query, key, cos, sin]);
  const rowCos = keepInterleaved(ops, cos);
  const rowSin = keepInterleaved(ops, sin);
  const turn = (x: Tensor): Tensor => {
    const kept = ops.mul(ops.to(x, float32), rowCos);
    return ops.keep(ops.add(kept, ops.mul(ops.to(rotatePairs(ops, x), float32), rowSin)));
  };
  const [turnedQuery, turnedKey] = [turn(query), turn(key)];
  return ops.leave([ops.to(turnedQuery, query.dtype), ops.to(turnedKey, key.dtype)]);
};

/** Helium's: neighbours as pairs, the table unfolded at each call. */
export const applyPairs: Rotation = (ops, [query, key], [cos, sin]) => {
  ops.enter([query, key, cos, sin]);
  const rowCos = keepInterleaved(ops, cos);
  const rowSin = keepInterleaved(ops, sin);
  const turn = (x: Tensor): Tensor => ops.keep(ops.add(ops.mul(x, rowCos), ops.mul(rotatePairs(ops, x), rowSin)));
  const [turnedQuery, turnedKey] = [turn(query), turn(key)];
  return ops.leave([turnedQuery, turnedKey]);
};

/** GLM's: neighbours as pairs in the first part of each head. */
export const applyPartialPairs: Rotation = (ops, [query, key], [cos, sin]) => {
  ops.enter([query, key, cos, sin]);
  const rowCos = keepInterleaved(ops, cos);
  const rowSin = keepInterleaved(ops, sin);
  const turning = rowCos.shape[rowCos.shape.length - 1]!;
  const cut = (x: Tensor): [Tensor, Tensor] => [
    ops.keep(ops.slice(x, 3, 0, turning)),
    ops.keep(ops.slice(x, 3, turning, x.shape[3]!)),
  ];
  const [queryTurns, queryStays] = cut(query);
  const [keyTurns, keyStays] = cut(key);
  const turn = (x: Tensor): Tensor => ops.keep(ops.add(ops.mul(x, rowCos), ops.mul(rotatePairs(ops, x), rowSin)));
  const [turnedQuery, turnedKey] = [turn(queryTurns), turn(keyTurns)];
  const wholeQuery = ops.rebind(turnedQuery, ops.cat([turnedQuery, queryStays], 3));
  const wholeKey = ops.rebind(turnedKey, ops.cat([turnedKey, keyStays], 3));
  return ops.leave([wholeQuery, wholeKey]);
};

/** Neighbours as pairs brought apart first: `view(..., d/2, 2).transpose(4, 3).reshape(...)`, a copy. */
const unfolded = (ops: Operations, x: Tensor): Tensor => {
  const [batch, heads, length, size] = x.shape as readonly [number, number, number, number];
  const pairs = ops.transpose(ops.view(x, [batch, heads, length, size / 2, 2]), 4, 3);
  return ops.reshape(pairs, x.shape);
};

/** DeepSeek V3's: neighbours as pairs, brought apart and then turned as halves. */
export const applyUnfoldedPairs: Rotation = (ops, [query, key], [cos, sin]) => {
  ops.enter([query, key, cos, sin]);
  const rowCos = ops.keep(ops.unsqueeze(cos, 1));
  const rowSin = ops.keep(ops.unsqueeze(sin, 1));
  const apartQuery = ops.keep(unfolded(ops, query));
  const apartKey = ops.keep(unfolded(ops, key));
  const turnedQuery = ops.keep(rotate(ops, apartQuery, rowCos, rowSin));
  const turnedKey = ops.keep(rotate(ops, apartKey, rowCos, rowSin));
  return ops.leave([turnedQuery, turnedKey]);
};

/** Phi-3.5-MoE's: the rows of the table are looked up for each layer. */
export const applyLookedUp: Rotation = (ops, [query, key], [cos, sin]) => {
  ops.enter([query, key, cos, sin]);
  const rows = [cos, sin].map((table) => ops.keep(ops.derive('index', [], [1, 1, ...table.shape], table.dtype)));
  const [rowCos, rowSin] = rows as [Tensor, Tensor];
  const turnedQuery = ops.keep(rotate(ops, query, rowCos, rowSin));
  const turnedKey = ops.keep(rotate(ops, key, rowCos, rowSin));
  return ops.leave([turnedQuery, turnedKey]);
};

/** Phi-3.5-MoE's `RotaryEmbedding.forward`: frequencies made anew, [length, size]; kept in the caller's frame. */
export function keepMadeTable(ops: Operations, x: Tensor, size: number): [cos: Tensor, sin: Tensor] {
  const length = x.shape[1]!;
  const half = size / 2;
  const real = (name: string, inputs: readonly Tensor[], shape: readonly number[]): Tensor =>
    ops.derive(name, inputs, shape, float32);
  const count = ops.create('add', [], int64);
  ops.enter([count]);
  const exponents = real('div', [real('to_copy', [], [half])], [half]);
  const powers = real('pow', [exponents], [half]);
  ops.keep(real('mul', [real('reciprocal', [], [half]), powers], [half]));
  ops.keep(real('arange', [], [length]));
  ops.keep(real('mul', [], [length, half]));
  ops.keep(real('cat', [], [length, size]));
  const scaled = (name: string): Tensor =>
    ops.to(real('mul', [real(name, [], [length, size])], [length, size]), x.dtype);
  const cos = ops.keep(scaled('cos'));
  const sin = ops.keep(scaled('sin'));
  const [c, s] = ops.leave<readonly [Tensor, Tensor]>([cos, sin]);
  return [ops.keep(c), ops.keep(s)];
}
