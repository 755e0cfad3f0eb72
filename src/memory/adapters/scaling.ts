import type { DType } from '../../model/dtype.js';
import type { Linear } from '../../model/module-tree.js';
import type { RunValues } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { add, mul, to } from '../operations/elementwise.js';
import type { PlaceParameter } from './lora.js';
import { isTargeted } from './lora.js';

/** A learned number for each element of a layer's result, or of its input. */
export interface Scaling {
  scale: EngineTensor;
  bias: EngineTensor | null;
  ofInput: boolean;
}

/** IA3 scales keys, values and what goes into the second feed-forward layer (peft/utils/constants.py). */
const IA3_TARGETS = [
  'k_proj',
  'v_proj',
  'key',
  'value',
  'query_key_value',
  'c_attn',
  'down_proj',
  'fc2',
  'dense_4h_to_h',
];
const FEED_FORWARD = /(^|\.)(down_proj|fc2|dense_4h_to_h|wo|c_proj)$/;

/** Places the scaling of a layer that is targeted; all are where every layer has scale and bias (litgpt's adapter_v2). */
export function placeScaling(
  layer: Linear,
  {
    place,
    peft,
    dtype,
    scalesAll,
  }: { place: PlaceParameter; peft: RunValues['peft']; dtype: DType; scalesAll: boolean },
): Scaling | null {
  if (!scalesAll && !isTargeted(layer, peft.targetModules ?? IA3_TARGETS)) return null;
  const ofInput = !scalesAll && FEED_FORWARD.test(layer.path);
  const vector = (name: string, size: number): EngineTensor => {
    const tensor = place([size], `${layer.path}.${name}`, dtype);
    tensor.requiresGrad = true;
    return tensor;
  };
  const scale = vector('scale', ofInput ? layer.inFeatures : layer.outFeatures);
  return { scale, bias: scalesAll ? vector('bias', layer.outFeatures) : null, ofInput };
}

/** `scale * (base(x) + bias)`, or `base(x * scale)`, in the base's type. */
export function scaledLinear(
  engine: Engine,
  x: EngineTensor,
  { scale, bias, ofInput }: Scaling,
  base: (x: EngineTensor) => EngineTensor,
): EngineTensor {
  engine.enter([x]);
  if (ofInput) return engine.leave(base(to(engine, mul(engine, x, scale), x.dtype)));
  const result = base(x);
  const { dtype } = result;
  const shifted = bias === null ? result : add(engine, result, bias);
  return engine.leave(to(engine, mul(engine, scale, shifted), dtype));
}
