import type { DType } from '../../model/dtype.js';
import { float32 } from '../../model/dtype.js';
import type { BatchNormalisation, Normalisation, Shape } from '../../model/module-tree.js';
import type { NormalisationOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Strides } from '../autograd/strides.js';
import { denseStrides, elementCount } from '../autograd/strides.js';
import { consumeCast, raised } from '../precision/autocast.js';

const LAYER_NORM = operation('native_layer_norm');
const LAYER_NORM_BACKWARD = operation('native_layer_norm_backward');
const GROUP_NORM = operation('native_group_norm');
const BATCH_NORM = operation('batch_norm');

/**
 * The kernel of layer normalisation writes a contiguous gradient (layer_norm_kernel.cu); recorded operators decompose it
 * into elementwise ones, which keep the layout of the incoming gradient.
 */
function inputGradientStrides(workspace: Workspace, node: Node): Strides {
  const x = node.saved[0]!;
  if (node.formula !== LAYER_NORM_FORMULA) return denseStrides(x.shape, x.strides);
  return workspace.recorded ? denseStrides(x.shape, node.gradient.strides) : null;
}

/** Gradients of input, weight and bias in one call. */
function affineGradients(workspace: Workspace, node: Node, name: number): (EngineTensor | null)[] {
  const x = node.saved[0]!;
  const input = node.needs(0) ? workspace.empty(x.shape, x.dtype, name, inputGradientStrides(workspace, node)) : null;
  const affine = (index: number): EngineTensor | null => {
    if (!node.next[index]) return null;
    const { shape, dtype } = node.next[index].outputs[node.outputNumbers[index]!]!;
    return workspace.empty(shape, dtype, name);
  };
  return [input, affine(1), affine(2)];
}

const formulaOf = (forward: number, backward: number): Formula => ({
  operation: forward,
  apply: (workspace, node) => affineGradients(workspace, node, backward),
});

const LAYER_NORM_FORMULA = formulaOf(LAYER_NORM, LAYER_NORM_BACKWARD);
const GROUP_NORM_FORMULA = formulaOf(GROUP_NORM, operation('native_group_norm_backward'));
const BATCH_NORM_FORMULA = formulaOf(BATCH_NORM, operation('batch_norm_backward'));

interface Statistics {
  formula: Formula;
  shape: Shape;
  dtype: DType;
}

export type ParameterTensors = (parameter: NonNullable<Normalisation['weight']>) => EngineTensor;

/** Keeps the input and, per row or group or channel, mean and inverse deviation. */
function normalised(
  engine: Engine,
  x: EngineTensor,
  affine: readonly (EngineTensor | null)[],
  { formula, shape, dtype }: Statistics,
): EngineTensor {
  const node = engine.record(formula, [x, affine[0] ?? null, affine[1] ?? null]);
  engine.save(node, x);
  if (affine[0]) engine.save(node, affine[0]);
  const out =
    formula === LAYER_NORM_FORMULA
      ? engine.empty(x.shape, x.dtype, LAYER_NORM)
      : engine.emptyLike(x, formula.operation);
  const mean = engine.empty(shape, dtype, formula.operation);
  const deviation = engine.empty(shape, dtype, formula.operation);
  engine.save(node, mean);
  engine.save(node, deviation);
  engine.attach(out, node);
  engine.consume(mean);
  engine.consume(deviation);
  return out;
}

/** Layer and group normalisation are on autocast's fp32 list: bias, weight and input are raised, in this order. */
function raisedAffine(engine: Engine, layer: Normalisation, tensorOf: ParameterTensors): (EngineTensor | null)[] {
  const bias = layer.bias && raised(engine, tensorOf(layer.bias));
  const weight = layer.weight && raised(engine, tensorOf(layer.weight));
  return [weight, bias];
}

function consumeFloating(engine: Engine, tensors: readonly (EngineTensor | null)[]): void {
  for (const tensor of tensors) if (tensor !== null) engine.consume(tensor);
}

export function normalisationOperations(engine: Engine, tensorOf: ParameterTensors): NormalisationOperations {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  const raisedNorm = (x: EngineTensor, layer: Normalisation, statistics: Omit<Statistics, 'dtype'>): EngineTensor => {
    const affine = raisedAffine(engine, layer, tensorOf);
    const source = raised(engine, x);
    const out = normalised(engine, source, affine, { ...statistics, dtype: float32 });
    consumeFloating(engine, affine);
    consumeCast(engine, x, source);
    return out;
  };
  return {
    layerNorm: (x, layer) => {
      const shape = [...x.shape.slice(0, -1), 1];
      return raisedNorm(own(x), layer, { formula: LAYER_NORM_FORMULA, shape });
    },
    groupNorm: (x, layer, groups) =>
      raisedNorm(own(x), layer, { formula: GROUP_NORM_FORMULA, shape: [x.shape[0]!, groups] }),
    batchNorm: (x, layer) => batchNorm(engine, own(x), layer, tensorOf),
  };
}

/** Training: 16-bit inputs stay as they are under autocast; statistics are in fp32. */
function batchNorm(
  engine: Engine,
  x: EngineTensor,
  layer: BatchNormalisation,
  tensorOf: ParameterTensors,
): EngineTensor {
  const affine = [layer.weight && tensorOf(layer.weight), layer.bias && tensorOf(layer.bias)];
  const shape = [elementCount(layer.runningMean.shape)];
  const out = normalised(engine, x, affine, { formula: BATCH_NORM_FORMULA, shape, dtype: float32 });
  engine.consume(x);
  return out;
}
