import type { DType } from '../../dtype.js';
import { float32 } from '../../dtype.js';
import type { Linear, Scope } from '../../module-tree.js';
import type { Operations, Tensor } from '../../operations.js';
import { module } from '../../operations.js';

/** How `get_timestep_embedding` is called. */
export interface SinusoidOptions {
  width: number;
  /** Cosines before sines: the halves are put together once more. */
  flip: boolean;
  /** Timesteps are fp32 already; else they are cast. */
  isFloat32?: boolean;
}

/** `get_timestep_embedding` of diffusers: sines and cosines of each timestep, in fp32 and without a gradient. */
export function sinusoids(ops: Operations, count: number, options: SinusoidOptions): Tensor {
  const { width, flip, isFloat32 = false } = options;
  const half = Math.floor(width / 2);
  ops.enter([]);
  const exponent = ops.keep(ops.derive('mul', [ops.create('arange', [half], float32)], [half], float32));
  ops.rebind(exponent, ops.derive('div', [], [half], float32));
  let table = ops.keep(ops.derive('exp', [], [half], float32));
  const column = isFloat32 ? [] : [ops.create('to_copy', [count, 1], float32)];
  table = ops.rebind(table, ops.derive('mul', column, [count, half], float32));
  table = ops.rebind(table, ops.derive('mul', [], [count, half], float32));
  const waves = ['sin', 'cos'].map((name) => ops.derive(name, [], [count, half], float32));
  table = ops.rebind(table, ops.derive('cat', waves, [count, 2 * half], float32));
  if (flip) table = ops.rebind(table, ops.derive('cat', [], [count, 2 * half], float32));
  return ops.leave(table);
}

/** `Timesteps(...)` and the cast that the model makes after it. */
export const sinusoidsIn = (ops: Operations, count: number, options: SinusoidOptions, dtype: DType): Tensor => {
  const table = ops.keep(sinusoids(ops, count, options));
  const cast = ops.to(table, dtype);
  return cast === table ? table : ops.rebind(table, cast);
};

type Embed = (ops: Operations, x: Tensor) => Tensor;

/** `TimestepEmbedding`: linear, SiLU, linear. */
export function timestepEmbedding(scope: Scope, inFeatures: number, width: number, bias = true): Embed {
  const first: Linear = scope.linear('linear_1', inFeatures, width, { bias });
  const second: Linear = scope.linear('linear_2', width, width, { bias });
  return module((ops, x: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, first));
    h = ops.rebind(h, ops.silu(h));
    return ops.linear(h, second);
  });
}
