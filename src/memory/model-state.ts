import type { Architecture } from '../model/definition.js';
import type { DType } from '../model/dtype.js';
import type { Linear, Parameter, Scope } from '../model/module-tree.js';
import type { RunValues } from '../run/training-run.js';
import type { LoraAdapter, PlaceParameter } from './adapters/lora.js';
import { isOutputLayer, placeLora } from './adapters/lora.js';
import type { Engine } from './autograd/engine.js';
import type { EngineTensor } from './autograd/graph.js';
import { operation } from './autograd/operation-names.js';
import { elementCount } from './autograd/strides.js';
import { placeQuantised } from './precision/quantised-linear.js';
import { isTrained } from './trainability.js';

const PLACE = operation('model.to');

/** The model on the device: one tensor for each parameter and buffer by index, one adapter for each adapted layer. */
export interface ModelState {
  parameters: EngineTensor[];
  buffers: EngineTensor[];
  adapters: Map<Linear['index'], LoraAdapter>;
  /** Linear layers whose weights are quantised, by index. */
  quantised: Set<Linear['index']>;
  /** Leaves that are trained, in `model.parameters()` order. */
  trained: EngineTensor[];
  counts: { total: number; trainable: number };
}

export interface Placement {
  engine: Engine;
  architecture: Architecture;
  dtype: DType;
  peft: RunValues['peft'];
  /** Type of the adapters' factors. */
  adapterType: DType;
  quantization: RunValues['quantization'];
  /** Where parameters are not placed whole but as this rank's shard. */
  place?: PlaceParameter;
}

/** Allocates the model in the order of `module.to(device)`: children first, then own parameters, then own buffers. */
export function placeModel(placement: Placement): ModelState {
  const { engine, architecture, dtype, peft } = placement;
  const whole: PlaceParameter = (shape, _, type) => engine.hold(engine.empty(shape, type, PLACE));
  const place = placement.place ?? whole;
  const state: ModelState = {
    parameters: new Array<EngineTensor>(architecture.parameters.length),
    buffers: new Array<EngineTensor>(architecture.buffers.length),
    adapters: new Map(),
    quantised: new Set(),
    trained: [],
    counts: { total: 0, trainable: 0 },
  };
  const visit = (scope: Scope): void => {
    scope.children.forEach(visit);
    for (const parameter of scope.parameters) {
      if (state.parameters[parameter.index] !== undefined) continue;
      const layer = quantisedLayer(placement, scope, parameter);
      const tensor =
        layer === null
          ? place(parameter.shape, parameter.path, dtype)
          : placeQuantised(engine, layer, placement.quantization, dtype);
      if (layer !== null) state.quantised.add(layer.index);
      tensor.requiresGrad = layer === null && isTrained(parameter, peft);
      state.parameters[parameter.index] = tensor;
    }
    placeBuffers(placement, scope, state);
    const adapter = peft.method === 'lora' ? placeLora({ place, dtype: placement.adapterType }, scope, peft) : null;
    if (adapter !== null) state.adapters.set(scope.linearLayer!.index, adapter);
  };
  visit(architecture.root);
  return withTrained(state, architecture);
}

/** The linear layer whose weight this is, if it is one that is quantised: not the head, and not while sharded. */
function quantisedLayer({ quantization, place }: Placement, scope: Scope, parameter: Parameter): Linear | null {
  const layer = scope.linearLayer;
  if (quantization === 'none' || place !== undefined || layer === null || isOutputLayer(layer)) return null;
  return layer.weight === parameter ? layer : null;
}

function placeBuffers({ engine, dtype }: Placement, scope: Scope, state: ModelState): void {
  for (const buffer of scope.buffers) {
    const tensor = engine.hold(engine.empty(buffer.shape, buffer.dtype ?? dtype, PLACE));
    engine.recorder.categorise(tensor.storage.block, 'buffers');
    state.buffers[buffer.index] = tensor;
  }
}

/** Collects the trained leaves in `model.parameters()` order: own parameters, an adapter's factors, then children. */
function withTrained(state: ModelState, architecture: Architecture): ModelState {
  const seen = new Set<EngineTensor>();
  const add = (tensor: EngineTensor, elements: number): void => {
    if (seen.has(tensor)) return;
    seen.add(tensor);
    state.counts.total += elements;
    if (!tensor.requiresGrad) return;
    state.counts.trainable += elements;
    state.trained.push(tensor);
  };
  const visit = (scope: Scope): void => {
    for (const { index, shape } of scope.parameters) add(state.parameters[index]!, elementCount(shape));
    const adapter = scope.linearLayer && state.adapters.get(scope.linearLayer.index);
    if (adapter) for (const factor of [adapter.down, adapter.up]) add(factor, elementCount(factor.shape));
    scope.children.forEach(visit);
  };
  visit(architecture.root);
  return state;
}
