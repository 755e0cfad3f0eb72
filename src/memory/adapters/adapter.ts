import type { DType } from '../../model/dtype.js';
import type { Linear, Scope } from '../../model/module-tree.js';
import type { RunValues } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import type { PlaceParameter } from './lora.js';
import { loraLinear, placeLora } from './lora.js';
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
}

type Method = RunValues['peft']['method'];

/** Methods that put something beside linear layers. */
const BESIDE_LAYERS: ReadonlySet<Method> = new Set(['lora', 'dora', 'adapter', 'ia3']);

/** Places the adapter of the scope's linear layer; null where it has none. */
export function placeAdapter(scope: Scope, placement: AdapterPlacement): Adapter | null {
  const { method } = placement.peft;
  if (!BESIDE_LAYERS.has(method)) return null;
  if (method === 'ia3' || placement.scalesAll) return scaling(scope, placement);
  const lora = placeLora(placement.place, scope, placement);
  if (lora === null) return null;
  const trained = [lora.down, lora.up, ...(lora.magnitude === null ? [] : [lora.magnitude])];
  return { trained, linear: (engine, x, base) => loraLinear(engine, x, lora, base) };
}

function scaling(scope: Scope, placement: AdapterPlacement): Adapter | null {
  const layer: Linear | null = scope.linearLayer;
  const found = layer === null ? null : placeScaling(layer, placement);
  if (found === null) return null;
  const trained = found.bias === null ? [found.scale] : [found.scale, found.bias];
  return { trained, linear: (engine, x, base) => scaledLinear(engine, x, found, base) };
}
