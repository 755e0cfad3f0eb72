import type { DType } from '../../model/dtype.js';
import { float32, isAutocastable } from '../../model/dtype.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

const TO_COPY = operation('to_copy');

/** `ToCopyBackward`: the gradient in the input's type; validation would cast it, the formula does. */
const TO_COPY_FORMULA: Formula = {
  operation: TO_COPY,
  apply: (workspace, node) => {
    const { gradient } = node;
    const source = node.next[0]!.outputs[node.outputNumbers[0]!]!;
    if (source.dtype === gradient.dtype) return [gradient];
    return [workspace.empty(gradient.shape, source.dtype, TO_COPY, gradient.strides)];
  },
};

/** `x.to(dtype)`; the same tensor where the type is right already. The input is not used up. */
export function toType(engine: Engine, x: EngineTensor, dtype: DType): EngineTensor {
  if (x.dtype === dtype) return x;
  const node = dtype.floating ? engine.record(TO_COPY_FORMULA, [x]) : null;
  return engine.attach(engine.emptyLike(x, TO_COPY, dtype), node);
}

/**
 * An operand in autocast's lower type (at::autocast::cached_cast). Copies of fp32 leaves that need a gradient are cached
 * until autocast is left; everything else is cast anew at each use. The input is not used up.
 */
export function lowered(engine: Engine, x: EngineTensor): EngineTensor {
  const { autocast } = engine;
  if (autocast === null || x.dtype === autocast || !isAutocastable(x.dtype)) return x;
  const cacheable = x.dtype === float32 && x.requiresGrad && x.gradFn === null;
  if (!cacheable) return toType(engine, x, autocast);
  const cached = engine.autocastCache.get(x);
  if (cached !== undefined) return cached;
  const copy = engine.hold(toType(engine, x, autocast));
  engine.autocastCache.set(x, copy);
  return copy;
}

/** The same for a view of a leaf, whose copy autocast does not keep. */
export function loweredAnew(engine: Engine, x: EngineTensor): EngineTensor {
  const { autocast } = engine;
  return autocast !== null && isAutocastable(x.dtype) ? toType(engine, x, autocast) : x;
}

/** An operand of an operation on autocast's fp32 list. The input is not used up. */
export function raised(engine: Engine, x: EngineTensor): EngineTensor {
  return engine.autocast !== null && isAutocastable(x.dtype) ? toType(engine, x, float32) : x;
}

/** Ends the floating tensors among an operation's arguments and the casts made of them. */
export function consumeCast(engine: Engine, original: EngineTensor, cast: EngineTensor): void {
  if (cast !== original) engine.consume(cast);
  engine.consume(original);
}
