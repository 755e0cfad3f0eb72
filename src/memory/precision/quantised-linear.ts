import type { DType } from '../../model/dtype.js';
import type { Linear } from '../../model/module-tree.js';
import type { Quantization } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { Formula } from '../autograd/graph.js';
import { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import type { PlaceParameter } from '../adapters/lora.js';
import { consumeCast, lowered } from './autocast.js';
import type { QuantisedCode } from './quantised-code.js';

const PLACE = operation('model.to');
const DEQUANTISE = operation('dequantize');
const MATMUL = operation('matmul_quantised');

/** Blocks of weights that share a scale, and of scales that share one (bitsandbytes/functional.py). */
const BLOCK = 64;
const NESTED_BLOCK = 256;

/** Weights that share a scale and a zero point in GPTQ's files (`group_size`, 128 in nearly all that are published). */
const GROUP = 128;

/** Bytes of a quantised weight's tensors: packed values, scales and, where scales are quantised too, theirs. */
export function quantisedSizes(quantization: Quantization, [rows, columns]: readonly [number, number]): number[] {
  const elements = rows * columns;
  const scales = Math.ceil(elements / BLOCK);
  if (quantization === 'int8' || quantization === 'fp8') return [elements, rows * 4];
  if (quantization === 'nf4-double') return [elements / 2, scales, Math.ceil(scales / NESTED_BLOCK) * 4, 4];
  if (quantization === 'int4') return gptqSizes(elements, columns);
  return [elements / 2, scales * 4];
}

/** `qweight`, `scales`, `qzeros` and `g_idx` of a GPTQ layer (auto_gptq/nn_modules/qlinear). */
const gptqSizes = (elements: number, columns: number): number[] => {
  const groups = Math.ceil(elements / GROUP);
  return [elements / 2, groups * 2, groups / 2, columns * 4];
};

/**
 * Places a quantised weight: a tensor of the logical shape over the packed bytes, with its scales beside. Where
 * parameters are sharded only the packed bytes are, as so many elements of the type that they are stored in.
 */
export function placeQuantised(
  engine: Engine,
  layer: Linear,
  { code, dtype, place }: { code: QuantisedCode; dtype: DType; place: PlaceParameter | undefined },
): EngineTensor {
  const { shape, path } = layer.weight;
  const [packed = 0, ...scales] = quantisedSizes(code.format, shape as readonly [number, number]);
  const tensor =
    place === undefined
      ? engine.hold(new EngineTensor(shape, null, dtype, engine.scratch(packed, PLACE)))
      : place([Math.ceil(packed / dtype.bytes)], path, dtype);
  for (const bytes of scales) engine.scratch(bytes, PLACE);
  return tensor;
}

/** The weight is made again in the computation's type for the moment; it needs no gradient. */
const QUANTISED_FORMULA: Formula = {
  operation: MATMUL,
  apply: (workspace, node) => {
    const { shape } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
    const { dtype } = node.gradient;
    const weight = workspace.scratch(elementCount(node.shapes![0]!) * dtype.bytes, DEQUANTISE);
    const result = workspace.empty(shape, dtype, MATMUL);
    workspace.discard(weight);
    return [result];
  },
};

/** `MatMul4Bit` and its like: the packed weight is there anyway, the input is kept by some releases. */
export function quantisedLinear(engine: Engine, x: EngineTensor, layer: Linear, code: QuantisedCode): EngineTensor {
  const input = lowered(engine, x);
  const { shape: weight } = layer.weight;
  const node = engine.record(QUANTISED_FORMULA, [input]);
  if (node !== null) node.shapes = [weight];
  if (code.holdsInput) engine.attachTo(node, input);
  else if (code.keepsInput) engine.save(node, input);
  const whole = engine.scratch(elementCount(weight) * input.dtype.bytes, DEQUANTISE);
  const shape = [...input.shape.slice(0, -1), layer.outFeatures];
  const out = engine.attach(engine.empty(shape, input.dtype, MATMUL), node);
  engine.discard(whole);
  consumeCast(engine, x, input);
  return out;
}
