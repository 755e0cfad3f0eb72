import type { DType } from '../../model/dtype.js';
import type { Linear } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { add, mul, to } from '../operations/elementwise.js';
import type { PlaceParameter } from './lora.js';

/** A learned factor and a learned summand for each element of a layer's result. */
export interface Scaling {
  scale: EngineTensor;
  bias: EngineTensor;
}

/** Places scale and bias of a layer (litgpt's adapter_v2, which gives them to every one). */
export function placeScaling(layer: Linear, { place, dtype }: { place: PlaceParameter; dtype: DType }): Scaling {
  const vector = (name: string, size: number): EngineTensor => {
    const tensor = place([size], `${layer.path}.${name}`, dtype);
    tensor.requiresGrad = true;
    return tensor;
  };
  return { scale: vector('scale', layer.outFeatures), bias: vector('bias', layer.outFeatures) };
}

/** `scale * (base(x) + bias)`, in the base's type. */
export function scaledLinear(
  engine: Engine,
  x: EngineTensor,
  { scale, bias }: Scaling,
  base: (x: EngineTensor) => EngineTensor,
): EngineTensor {
  engine.enter([x]);
  const result = base(x);
  const { dtype } = result;
  const shifted = add(engine, result, bias);
  return engine.leave(to(engine, mul(engine, scale, shifted), dtype));
}
