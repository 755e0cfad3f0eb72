import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import type { DType } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';

/** Updates parameters in place; its states come into being in the first step and stay. */
export interface Optimizer {
  /** Makes what is there before the first step; most make nothing. */
  begin?(engine: Engine, parameters: readonly EngineTensor[]): void;
  /** One step over the trained parameters that have a gradient, in `model.parameters()` order. */
  step(engine: Engine, parameters: readonly EngineTensor[]): void;
}

const ZEROS_LIKE = operation('zeros_like');

/** A state tensor: held for good. */
export function state(engine: Engine, shape: Shape, dtype: DType, name = ZEROS_LIKE): EngineTensor {
  const tensor = engine.hold(engine.empty(shape, dtype, name));
  engine.recorder.categorise(tensor.storage.block, 'optimizer-state');
  return tensor;
}

/** A state of the parameter's shape and layout, and of its type unless another is given. */
export function stateLike(
  engine: Engine,
  parameter: EngineTensor,
  name = ZEROS_LIKE,
  dtype = parameter.dtype,
): EngineTensor {
  const tensor = engine.hold(engine.empty(parameter.shape, dtype, name, parameter.strides));
  engine.recorder.categorise(tensor.storage.block, 'optimizer-state');
  return tensor;
}

/** A `_foreach` result: one temporary per tensor, all alive until they are released together. */
export function foreachTemporaries(engine: Engine, tensors: readonly EngineTensor[], name: number): EngineTensor[] {
  return tensors.map((tensor) => engine.hold(engine.emptyLike(tensor, name)));
}

export function releaseAll(engine: Engine, tensors: readonly EngineTensor[]): void {
  for (const tensor of tensors) engine.release(tensor);
}

/** Parameters by type, in order of first appearance, as foreach implementations group them. */
export function groupsByType(parameters: readonly EngineTensor[]): EngineTensor[][] {
  const groups = new Map<DType, EngineTensor[]>();
  for (const parameter of parameters) {
    const group = groups.get(parameter.dtype);
    if (group === undefined) groups.set(parameter.dtype, [parameter]);
    else group.push(parameter);
  }
  return [...groups.values()];
}

export const bytesOf = (tensor: EngineTensor): number => elementCount(tensor.shape) * tensor.dtype.bytes;
