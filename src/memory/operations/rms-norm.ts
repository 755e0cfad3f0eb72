import { float32 } from '../../model/dtype.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { toType } from '../precision/autocast.js';
import { mul, pow, unary } from './elementwise.js';
import { meanOfRows } from './reductions.js';
import { UNARY } from './unary.js';

const RMS_NORM_BACKWARD = operation('_fused_rms_norm_backward');

/** Gradients of input and weight in one call. */
const RMS_NORM_FORMULA: Formula = {
  operation: operation('_fused_rms_norm'),
  apply: (workspace, node) =>
    [0, 1].map((index) => {
      const next = node.next[index];
      if (!next) return null;
      const { shape, dtype } = next.outputs[node.outputNumbers[index]!]!;
      return workspace.empty(shape, dtype, RMS_NORM_BACKWARD);
    }),
};

/**
 * One kernel where input and weight are of one type, else the steps that it is made of, in fp32
 * (aten/src/ATen/native/layer_norm.cpp of PyTorch 2.9).
 */
export function rmsNorm(engine: Engine, x: EngineTensor, weight: EngineTensor | null, dims: number): EngineTensor {
  if (weight !== null && weight.dtype !== x.dtype) return composedRmsNorm(engine, x, weight);
  const node = engine.record(RMS_NORM_FORMULA, [x, weight]);
  engine.save(node, x);
  if (weight !== null) engine.save(node, weight);
  const out = engine.empty(x.shape, x.dtype, RMS_NORM_FORMULA.operation);
  const rows = x.shape.length - dims;
  const statistics = x.shape.map((size, i) => (i < rows ? size : 1));
  const deviation = engine.empty(statistics, float32, RMS_NORM_FORMULA.operation);
  engine.save(node, deviation);
  engine.attach(out, node);
  engine.consume(deviation);
  engine.consume(x);
  if (weight !== null) engine.consume(weight);
  return out;
}

function composedRmsNorm(engine: Engine, x: EngineTensor, weight: EngineTensor): EngineTensor {
  engine.enter([x, weight]);
  const source = engine.keep(toType(engine, x, float32));
  const square = engine.keep(pow(engine, source));
  const factor = engine.keep(unary(engine, meanOfRows(engine, square), UNARY.rsqrt));
  engine.drop(square);
  const normed = engine.keep(mul(engine, source, factor));
  const scaled = engine.rebind(normed, mul(engine, normed, weight));
  engine.drop(source);
  return engine.leave(toType(engine, scaled, x.dtype));
}
