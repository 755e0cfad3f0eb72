import type { DType } from '../../model/dtype.js';
import { bool, float32 } from '../../model/dtype.js';
import type { AttentionOptions } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { add, dropout, to, unary } from './elementwise.js';
import { matmul } from './matrix.js';
import { softmax } from './reductions.js';
import { UNARY } from './unary.js';
import { expand, reshape, transpose, unsqueeze } from './views.js';

interface MathInputs {
  q: EngineTensor;
  k: EngineTensor;
  v: EngineTensor;
  mask: EngineTensor | null;
  options: AttentionOptions;
}

/** ones, tril, and zeros filled with minus infinity above the diagonal. */
function causalMask(engine: Engine, length: number, keys: number, dtype: DType): EngineTensor {
  const shape = [length, keys];
  const ones = engine.hold(engine.empty(shape, bool, operation('ones')));
  const lower = engine.hold(engine.empty(shape, bool, operation('tril')));
  engine.release(ones);
  const scalars = [0, 1].map(() => engine.hold(engine.empty([], dtype, operation('scalar_tensor'))));
  const mask = engine.empty(shape, dtype, operation('where'));
  for (const tensor of [...scalars, lower]) engine.release(tensor);
  return mask;
}

/** `repeat_interleave` of the heads: an expanded copy where there are fewer than query heads. */
function expandHeads(engine: Engine, x: EngineTensor, heads: number): EngineTensor {
  const [batch, own, length, size] = x.shape as readonly [number, number, number, number];
  if (own === heads || x.shape.length !== 4) return x;
  const repeated = expand(engine, unsqueeze(engine, x, 2), [batch, own, heads / own, length, size]);
  return reshape(engine, repeated, [batch, heads, length, size]);
}

/** Adding a mask: in place on a device, out of place while operators are recorded. */
function masked(engine: Engine, scores: EngineTensor, mask: EngineTensor): EngineTensor {
  return add(engine, scores, mask);
}

/** `_scaled_dot_product_attention_math` of PyTorch 2.9: 16-bit inputs are raised to fp32, q and k scaled separately. */
export function mathAttention(engine: Engine, { q, k, v, mask, options }: MathInputs): EngineTensor {
  const dtype = q.dtype;
  engine.enter([q, k, v, mask]);
  const precise = [q, k, v].map((tensor) => engine.keep(to(engine, tensor, float32)));
  const [preciseQ, preciseK, preciseV] = precise as [EngineTensor, EngineTensor, EngineTensor];
  const query = engine.keep(unary(engine, preciseQ, UNARY.mulScalar));
  const rows = q.shape.length - 2;
  const bias = options.causal ? engine.keep(causalMask(engine, q.shape[rows]!, k.shape[rows]!, query.dtype)) : mask;
  const heads = options.grouped ? q.shape[1]! : k.shape[1]!;
  const key = engine.keep(expandHeads(engine, preciseK, heads));
  const value = engine.keep(expandHeads(engine, preciseV, heads));
  const scaledKey = unary(engine, transpose(engine, key, rows, rows + 1), UNARY.mulScalar);
  let scores = engine.keep(matmul(engine, query, scaledKey));
  const rename = (next: EngineTensor): EngineTensor => engine.rebind(scores, next);
  if (bias !== null) scores = rename(masked(engine, scores, bias));
  scores = rename(softmax(engine, scores));
  if (options.dropout > 0) scores = rename(dropout(engine, scores, options.dropout));
  // Both results of the function are cast, the second one first: gcc evaluates arguments from the right.
  engine.keep(to(engine, scores, dtype));
  const product = engine.keep(matmul(engine, scores, value));
  return engine.leave(engine.keep(to(engine, product, dtype)));
}
