import type { Architecture } from '../model/definition.js';
import type { DType } from '../model/dtype.js';
import type { Linear, Parameter, Scope, Shape } from '../model/module-tree.js';
import type { RunValues } from '../run/training-run.js';
import type { Adapter } from './adapters/adapter.js';
import { placeAdapter } from './adapters/adapter.js';
import type { InputAdapter } from './adapters/input-adapter.js';
import { placeInputAdapter } from './adapters/input-adapter.js';
import type { PlaceParameter } from './adapters/lora.js';
import { isOutputLayer } from './adapters/lora.js';
import type { Engine } from './autograd/engine.js';
import type { EngineTensor } from './autograd/graph.js';
import { operation } from './autograd/operation-names.js';
import { elementCount } from './autograd/strides.js';
import type { QuantisedCode } from './precision/quantised-code.js';
import { placeQuantised } from './precision/quantised-linear.js';
import { isTrained } from './trainability.js';

const PLACE = operation('model.to');

/** The model on the device: one tensor for each parameter and buffer by index, one adapter for each adapted layer. */
export interface ModelState {
  parameters: EngineTensor[];
  buffers: EngineTensor[];
  adapters: Map<Linear['index'], Adapter>;
  /** Linear layers whose weights are quantised, by index. */
  quantised: Set<Linear['index']>;
  /** What is trained at the model's input; null: nothing. */
  inputs: InputAdapter | null;
  /** Leaves that are trained, in `model.parameters()` order. */
  trained: EngineTensor[];
  counts: { total: number; trainable: number };
}

export interface Placement {
  engine: Engine;
  architecture: Architecture;
  dtype: DType;
  peft: RunValues['peft'];
  /** null: weights are not quantised. */
  quantised: QuantisedCode | null;
  /** Type of adapters' factors. */
  adapterType: DType;
  /** litgpt's `adapter_v2`: every linear layer gets a scale and a bias. */
  scalesAll: boolean;
  /** Adapters are the program's own, not peft's. */
  ownAdapters: boolean;
  /** Where parameters are not placed whole but as this rank's shard. */
  place?: PlaceParameter;
  /** Nothing is trained. */
  frozen: boolean;
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
    inputs: null,
    trained: [],
    counts: { total: 0, trainable: 0 },
  };
  const shared = new Map<string, EngineTensor>();
  const visit = (scope: Scope): void => {
    scope.children.forEach(visit);
    for (const parameter of scope.parameters) {
      if (state.parameters[parameter.index] !== undefined) continue;
      const layer = quantisedLayer(placement, scope, parameter);
      const tensor =
        layer === null
          ? place(parameter.shape, parameter.path, dtype)
          : placeQuantised(engine, layer, { code: placement.quantised!, dtype, place: placement.place });
      if (layer !== null) state.quantised.add(layer.index);
      tensor.requiresGrad = layer === null && !placement.frozen && isTrained(parameter, peft);
      if (peft.method === 'ln-tuning' && tensor.requiresGrad) {
        place(parameter.shape, `${parameter.path}.base`, dtype);
        state.counts.total += elementCount(parameter.shape);
      }
      state.parameters[parameter.index] = tensor;
    }
    placeBuffers(placement, scope, state);
    const { adapterType, scalesAll, ownAdapters } = placement;
    const { parameters, quantised } = state;
    const { linears } = architecture.root;
    const beside = { peft, dtype: adapterType, scalesAll, ownAdapters };
    const own = { ...beside, place, engine, parameters, quantised, linears, shared };
    const adapter = placeAdapter(scope, own);
    if (adapter !== null) state.adapters.set(scope.linearLayer!.index, adapter);
  };
  visit(architecture.root);
  const placeTrained = (shape: Shape): EngineTensor => {
    const tensor = place(shape, 'prompt_encoder', placement.adapterType);
    tensor.requiresGrad = true;
    return tensor;
  };
  state.inputs = placeInputAdapter(peft, architecture.inputTable, placeTrained);
  return withTrained(state, architecture);
}

/** The linear layer whose weight this is, if it is one that is quantised. */
function quantisedLayer({ quantised }: Placement, scope: Scope, parameter: Parameter): Linear | null {
  const layer = scope.linearLayer;
  if (quantised === null || layer === null || layer.weight !== parameter) return null;
  return quantised.includesHead || !isOutputLayer(layer) ? layer : null;
}

function placeBuffers({ engine, dtype }: Placement, scope: Scope, state: ModelState): void {
  for (const buffer of scope.buffers) {
    const tensor = engine.hold(engine.empty(buffer.shape, buffer.dtype ?? dtype, PLACE));
    engine.recorder.categorise(tensor.storage.block, 'buffers');
    state.buffers[buffer.index] = tensor;
  }
}

/** The tensors of the parameters and adapters of a module and all beneath it, in `model.parameters()` order. */
export function tensorsWithin(state: ModelState, scope: Scope): readonly EngineTensor[] {
  const found: EngineTensor[] = [];
  const visit = ({ parameters, linearLayer, children }: Scope): void => {
    for (const { index } of parameters) found.push(state.parameters[index]!);
    const adapter = linearLayer && state.adapters.get(linearLayer.index);
    if (adapter) found.push(...adapter.trained);
    children.forEach(visit);
  };
  visit(scope);
  return found;
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
    if (adapter) for (const factor of adapter.trained) add(factor, elementCount(factor.shape));
    scope.children.forEach(visit);
  };
  visit(architecture.root);
  for (const tensor of state.inputs?.trained ?? []) add(tensor, elementCount(tensor.shape));
  return state;
}
