import type { Architecture } from '../model/definition.js';
import type { DType } from '../model/dtype.js';
import type { Scope } from '../model/module-tree.js';
import type { Engine } from './autograd/engine.js';
import type { EngineTensor } from './autograd/graph.js';
import { operation } from './autograd/operation-names.js';

const PLACE = operation('model.to');

/** The model on the device: one tensor for each parameter and buffer, by their index. */
export interface ModelState {
  parameters: EngineTensor[];
  buffers: EngineTensor[];
}

/** Adds what adapters put beside a module's own tensors; runs after the module's children are placed. */
export type PlaceAdapters = (scope: Scope) => void;

/** Allocates the model in the order of `module.to(device)`: children first, then own parameters, then own buffers. */
export function placeModel(
  engine: Engine,
  { root, parameters, buffers }: Architecture,
  dtype: DType,
  placeAdapters: PlaceAdapters = () => undefined,
): ModelState {
  const state: ModelState = { parameters: new Array(parameters.length), buffers: new Array(buffers.length) };
  const visit = (scope: Scope): void => {
    scope.children.forEach(visit);
    for (const { index, shape } of scope.parameters) {
      state.parameters[index] ??= engine.hold(engine.empty(shape, dtype, PLACE));
    }
    for (const buffer of scope.buffers) {
      const tensor = engine.hold(engine.empty(buffer.shape, buffer.dtype ?? dtype, PLACE));
      engine.recorder.categorise(tensor.storage.block, 'buffers');
      state.buffers[buffer.index] = tensor;
    }
    placeAdapters(scope);
  };
  visit(root);
  return state;
}
