import { bool, float32, int64 } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';

/** Names that both rounds of `sparsemixer` bind, the second anew. */
interface Names {
  threshold: Tensor | null;
  places: Tensor | null;
  factor: Tensor | null;
  greatest: Tensor | null;
}

function bind(ops: Operations, names: Names, name: keyof Names, value: Tensor): Tensor {
  const old = names[name];
  names[name] = old === null ? ops.keep(value) : ops.rebind(old, value);
  return value;
}

/** Scores far below the best are struck out: which they are. */
function farBelow(ops: Operations, names: Names, scores: Tensor): Tensor {
  const { shape, dtype } = scores;
  const column = [shape[0]!, 1];
  const best = ops.derive('max', [], column, dtype);
  const places = ops.create('max', column, int64);
  bind(ops, names, 'threshold', best);
  bind(ops, names, 'places', places);
  bind(ops, names, 'factor', ops.derive('clamp', [ops.derive('abs', [], shape, dtype)], shape, dtype));
  const ratio = ops.derive('div', [ops.derive('sub', [], shape, dtype)], shape, dtype);
  return bind(ops, names, 'threshold', ops.derive('gt', [ratio], shape, bool));
}

/** One expert for each token, drawn with noise: its multiplier and its index; kept in the caller's frame. */
function drawn(ops: Operations, names: Names, scores: Tensor, from: Tensor): [multiplier: Tensor, selected: Tensor] {
  const far = farBelow(ops, names, from);
  let gates = ops.keep(ops.maskedFill(from, far));
  const noise = ops.log(ops.create('empty_like', gates.shape, gates.dtype));
  const [values, at] = ops.maxAlong(ops.sub(gates, noise), [1], false);
  ops.drop(values);
  const selected = ops.keep(ops.unsqueeze(at, 1));
  gates = ops.rebind(gates, ops.softmax(gates));
  const picked = ops.keep(ops.gather(gates, 1, selected));
  const [greatest, places] = ops.maxAlong(gates, [1], true);
  bind(ops, names, 'greatest', greatest);
  bind(ops, names, 'places', places);
  const column = greatest.shape;
  const same = ops.derive('eq', [], column, bool);
  const random = ops.derive('gt', [ops.create('rand_like', column, greatest.dtype)], column, bool);
  const either = ops.keep(ops.derive('logical_or', [same, random], column, bool));
  const mask = ops.rebind(either, ops.to(ops.derive('add', [], column, float32), gates.dtype));
  return [ops.keep(ops.sparseMixer(scores, picked, { selected, gates, mask })), selected];
}

/** `sparsemixer` of Phi-3.5-MoE in training: two experts for each token, drawn one after the other. */
export function sparseMixer(ops: Operations, scores: Tensor): [weights: Tensor, indices: Tensor] {
  ops.enter([scores]);
  const names: Names = { threshold: null, places: null, factor: null, greatest: null };
  const [first, selected] = drawn(ops, names, scores, scores);
  const rest = ops.keep(ops.scatterValue(scores, selected));
  const [second, alsoSelected] = drawn(ops, names, scores, rest);
  const weights = ops.rebind(first, ops.cat([first, second], 1));
  return ops.leave([weights, ops.rebind(selected, ops.cat([selected, alsoSelected], 1))]);
}
