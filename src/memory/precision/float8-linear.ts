import type { DType } from '../../model/dtype.js';
import type { Linear } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import type { LayerWeights } from '../operations/matrix.js';
import { consumeCast, lowered } from './autocast.js';

const SCALED_MM = operation('scaled_mm');
const TO_FLOAT8 = operation('to_float8');

/** An 8-bit floating type; products of it are written in 16 bit. */
export const float8: DType = { name: 'float8', bytes: 1, floating: true };

/** Kernels want both sizes to be multiples of 16 (torchao's filter; the head is left as it is). */
export const takesFloat8 = ({ inFeatures, outFeatures, path }: Linear): boolean =>
  inFeatures % 16 === 0 && outFeatures % 16 === 0 && !/(^|\.)(lm_head|output|output_layer)$/.test(path);

/** A copy in 8 bit, that lives as long as its product runs. */
const quantised = (workspace: Workspace, tensor: EngineTensor) =>
  workspace.scratch(elementCount(tensor.shape), TO_FLOAT8);

/**
 * Gradient and weight in 8 bit for the input's gradient; gradient and input in 8 bit, each in column order, for the
 * weight's. What is kept is in 16 bit (torchao/float8/float8_linear.py, matmul_with_hp_or_float8_args).
 */
const FLOAT8_FORMULA: Formula = {
  operation: SCALED_MM,
  readsFused: true,
  delivery: [2, 1, 0],
  apply: (workspace, node) => {
    const [input, weight] = node.saved as [EngineTensor, EngineTensor];
    const product = (like: EngineTensor, operands: readonly EngineTensor[]): EngineTensor => {
      const copies = operands.map((operand) => quantised(workspace, operand));
      const result = workspace.empty(like.shape, like.dtype, SCALED_MM);
      for (const copy of copies) workspace.discard(copy);
      return result;
    };
    const ofInput = node.needs(0) ? product(input, [node.gradient, weight]) : null;
    const ofWeight = node.needs(1) ? product(weight, [node.gradient, input]) : null;
    return [ofInput, ofWeight, node.needs(2) ? node.gradient : null];
  },
};

/** A linear layer whose three products are computed in 8 bit; everything it keeps stays in 16. */
export function float8Linear(engine: Engine, x: EngineTensor, layer: Linear, weights: LayerWeights): EngineTensor {
  const weight = lowered(engine, weights.weight);
  const input = lowered(engine, x);
  const bias = weights.bias;
  const node = engine.record(FLOAT8_FORMULA, bias === null ? [input, weight] : [input, weight, bias]);
  engine.save(node, input);
  engine.save(node, weight);
  const copies = [input, weight].map((operand) => quantised(engine, operand));
  const shape = [...x.shape.slice(0, -1), layer.outFeatures];
  const out = engine.attach(engine.empty(shape, input.dtype, SCALED_MM), node);
  for (const copy of copies) engine.discard(copy);
  consumeCast(engine, x, input);
  consumeCast(engine, weights.weight, weight);
  return out;
}
