import type { DType } from '../../model/dtype.js';
import type { Linear, Scope, Shape } from '../../model/module-tree.js';
import type { Tensor } from '../../model/operations.js';
import type { RunValues } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { NotEstimable } from '../not-estimable.js';
import type { AdapterMethod } from './adapter-method.js';
import { adapterOperations } from './adapter-operations.js';
import type { PlaceParameter } from './lora.js';
import { isTargeted, loraLinear, placeLora } from './lora.js';
import { ADAPTER_METHODS, LINEAR_ONLY } from './methods.js';
import { IA3_TARGETS } from './ia3.js';
import { placeScaling, scaledLinear } from './scaling.js';

/** What is trained beside a linear layer, and how it changes the layer's result. */
export interface Adapter {
  /** In `model.parameters()` order. */
  trained: readonly EngineTensor[];
  linear(engine: Engine, x: EngineTensor, base: (x: EngineTensor) => EngineTensor): EngineTensor;
}

export interface AdapterPlacement {
  place: PlaceParameter;
  peft: RunValues['peft'];
  /** Type of what is trained. */
  dtype: DType;
  /** litgpt's `adapter_v2`: every linear layer gets a scale and a bias. */
  scalesAll: boolean;
  /** Adapters are the program's own, not peft's. */
  ownAdapters: boolean;
  engine: Engine;
  /** Tensors of the model's weights, placed so far. */
  parameters: readonly EngineTensor[];
  /** Layers whose weights are quantised, by index, so far. */
  quantised: ReadonlySet<Linear['index']>;
  /** All linear layers of the model, and what those that are adapted have in common, by name. */
  linears: readonly Linear[];
  shared: Map<string, EngineTensor>;
}

type Method = RunValues['peft']['method'];

/** Methods that put low-rank factors or scales beside linear layers. */
const BESIDE_LAYERS: ReadonlySet<Method> = new Set(['lora', 'dora', 'adapter']);

/** Places the adapter of the scope's linear layer; null where it has none. */
export function placeAdapter(scope: Scope, placement: AdapterPlacement): Adapter | null {
  const { method } = placement.peft;
  const write = method === 'dora' && placement.ownAdapters ? undefined : ADAPTER_METHODS[method];
  if (write !== undefined) return placeMethod(write, scope, placement);
  if (!BESIDE_LAYERS.has(method)) return null;
  if (placement.scalesAll) return scaling(scope, placement);
  const lora = placeLora(placement.place, scope, placement);
  if (lora === null) return null;
  const trained = [lora.down, lora.up, ...(lora.magnitude === null ? [] : [lora.magnitude])];
  return { trained, linear: (engine, x, base) => loraLinear(engine, x, lora, base) };
}

function scaling(scope: Scope, placement: AdapterPlacement): Adapter | null {
  const layer: Linear | null = scope.linearLayer;
  if (layer === null) return null;
  const found = placeScaling(layer, placement);
  return { trained: [found.scale, found.bias], linear: (engine, x, base) => scaledLinear(engine, x, found, base) };
}

/** The layer's weight; one that is quantised is made again (`dequantize_module_weight` in peft/utils/integrations.py). */
function wholeWeight({ index, weight }: Linear, { engine, parameters, quantised }: AdapterPlacement): Tensor {
  const own = parameters[weight.index]!;
  return quantised.has(index) ? engine.create('dequantize', weight.shape, own.dtype) : own;
}

function requireKnownLayer({ path, transposed }: Linear, method: Method): void {
  if (!transposed || !LINEAR_ONLY.has(method)) return;
  const reason = `peft does not put ${method} beside layers such as ${path}, whose weight is stored as [in, out]`;
  throw new NotEstimable([{ field: 'peft.method', reason }]);
}

/** Places what a method of the table trains beside the scope's linear layer, if that is one that is adapted. */
function placeMethod(write: AdapterMethod, scope: Scope, placement: AdapterPlacement): Adapter | null {
  const layer = scope.linearLayer;
  const { peft, engine, dtype, shared, linears } = placement;
  const targets = peft.targetModules ?? (peft.method === 'ia3' ? IA3_TARGETS : null);
  if (layer === null || !isTargeted(layer, targets)) return null;
  requireKnownLayer(layer, peft.method);
  const trained: EngineTensor[] = [];
  const adapted = linears.filter((one) => isTargeted(one, targets));
  const place = (shape: Shape, type: DType): EngineTensor => placement.place(shape, `${layer.path}.adapter`, type);
  const forward = write({
    layer,
    engine,
    ops: adapterOperations(engine),
    rank: peft.rank,
    dropout: peft.dropout,
    dtype,
    widest: {
      in: Math.max(...adapted.map(({ inFeatures }) => inFeatures)),
      out: Math.max(...adapted.map(({ outFeatures }) => outFeatures)),
    },
    trained: (shape) => {
      const tensor = place(shape, dtype);
      tensor.requiresGrad = true;
      trained.push(tensor);
      return tensor;
    },
    kept: (shape, type = dtype) => place(shape, type),
    shared: (name, make) => {
      const tensor = shared.get(name) ?? (make() as EngineTensor);
      shared.set(name, tensor);
      return tensor;
    },
    weight: () => wholeWeight(layer, placement),
  });
  return { trained, linear: (_, x, base) => forward(x, (input) => base(input as EngineTensor)) as EngineTensor };
}
