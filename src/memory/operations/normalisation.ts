import type { DType } from '../../model/dtype.js';
import { float32 } from '../../model/dtype.js';
import type { Normalisation, Shape } from '../../model/module-tree.js';
import type { Affine, NormalisationOperations, Tensor, TensorOperations } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Strides } from '../autograd/strides.js';
import { denseStrides } from '../autograd/strides.js';
import { consumeCast, raised } from '../precision/autocast.js';
import { rmsNorm } from './rms-norm.js';
import { contiguous } from './views.js';

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

const ADDCMUL = operation('addcmul');

/** The product with the normed values is as large as they are before it is summed to the weight's gradient. */
const ADDCMUL_FORMULA: Formula = {
  operation: ADDCMUL,
  apply: (workspace, node) => {
    const gradients = affineGradients(workspace, node, ADDCMUL);
    const { shape, dtype } = node.saved[0]!;
    if (node.needs(1)) workspace.consume(workspace.empty(shape, dtype, ADDCMUL));
    return gradients;
  },
};

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
  if (affine[1] && formula === LAYER_NORM_FORMULA) engine.save(node, affine[1]);
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

type AffineTensors = readonly [weight: EngineTensor | null, bias: EngineTensor | null];

/** Layer and group normalisation are on autocast's fp32 list: bias, weight and input are raised, in this order. */
function raisedAffine(engine: Engine, [weight, bias]: AffineTensors): AffineTensors {
  const raisedBias = bias && raised(engine, bias);
  return [weight && raised(engine, weight), raisedBias];
}

function consumeFloating(engine: Engine, tensors: readonly (EngineTensor | null)[]): void {
  for (const tensor of new Set(tensors)) if (tensor !== null) engine.consume(tensor);
}

/** The same values in rows, where they lie otherwise; the tensor itself stays. */
function copiedToRows(engine: Engine, x: EngineTensor): EngineTensor {
  if (x.strides === null) return x;
  engine.hold(x);
  const rows = contiguous(engine, x);
  engine.float(x);
  return rows;
}

function raisedNorm(
  engine: Engine,
  x: EngineTensor,
  given: AffineTensors,
  { inRows = false, ...statistics }: Omit<Statistics, 'dtype'> & { inRows?: boolean },
): EngineTensor {
  const affine = raisedAffine(engine, given);
  const source = raised(engine, x);
  const rows = inRows ? copiedToRows(engine, source) : source;
  const out = normalised(engine, rows, affine, { ...statistics, dtype: float32 });
  if (rows !== source) engine.consume(rows);
  consumeFloating(engine, [...affine, ...given]);
  consumeCast(engine, x, source);
  return out;
}

/** One row of statistics for the last `dims` dimensions. */
function layerNorm(engine: Engine, x: EngineTensor, affine: AffineTensors, dims: number): EngineTensor {
  const rows = x.shape.length - dims;
  const shape = x.shape.map((size, i) => (i < rows ? size : 1));
  return raisedNorm(engine, x, affine, { formula: LAYER_NORM_FORMULA, shape });
}

/** Group normalisation in two steps, each of which keeps what it reads: batch normalisation of groups, then weight and bias. */
function groupNormByParts(engine: Engine, x: EngineTensor, affine: AffineTensors, groups: number): EngineTensor {
  const statistics = { formula: BATCH_NORM_FORMULA, shape: [x.shape[0]! * groups], dtype: float32 };
  const normed = normalised(engine, x, [null, null], statistics);
  engine.consume(x);
  if (affine[0] === null) return normed;
  const node = engine.record(ADDCMUL_FORMULA, [normed, ...affine]);
  engine.save(node, normed);
  engine.save(node, affine[0]);
  const out = engine.attach(engine.emptyLike(normed, ADDCMUL), node);
  consumeFloating(engine, affine);
  engine.consume(normed);
  return out;
}

/** Training: 16-bit inputs stay as they are under autocast; statistics are in fp32, and there are none to keep otherwise. */
function batchNorm(engine: Engine, x: EngineTensor, affine: AffineTensors, training: boolean): EngineTensor {
  const shape = training ? [x.shape[1]!] : [0];
  const out = normalised(engine, x, affine, { formula: BATCH_NORM_FORMULA, shape, dtype: float32 });
  consumeFloating(engine, affine);
  engine.consume(x);
  return out;
}

type WithTensors = Pick<TensorOperations, 'batchNormWith' | 'layerNormWith' | 'rmsNormWith' | 'groupNormWith'>;

export function normalisationOperations(
  engine: Engine,
  tensorOf: ParameterTensors,
): NormalisationOperations & WithTensors {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  const ofLayer = ({ weight, bias }: Normalisation): AffineTensors => [
    weight && tensorOf(weight),
    bias && tensorOf(bias),
  ];
  const ofTensors = ({ weight, bias }: Affine): AffineTensors => [weight && own(weight), bias && own(bias)];
  const groupNorm = (x: EngineTensor, affine: AffineTensors, groups: number): EngineTensor =>
    engine.habits.normsGroupsByParts
      ? groupNormByParts(engine, x, affine, groups)
      : // group_norm.cpp: the kernel of the device takes rows
        raisedNorm(engine, x, affine, { formula: GROUP_NORM_FORMULA, shape: [x.shape[0]!, groups], inRows: true });
  return {
    layerNorm: (x, layer) => layerNorm(engine, own(x), ofLayer(layer), 1),
    groupNorm: (x, layer, groups) => groupNorm(own(x), ofLayer(layer), groups),
    batchNorm: (x, layer) => batchNorm(engine, own(x), ofLayer(layer), true),
    batchNormWith: (x, affine, training) => batchNorm(engine, own(x), ofTensors(affine), training),
    layerNormWith: (x, affine, dims) => layerNorm(engine, own(x), ofTensors(affine), dims),
    rmsNormWith: (x, weight, dims) => rmsNorm(engine, own(x), weight && own(weight), dims),
    groupNormWith: (x, affine, groups) => groupNorm(own(x), ofTensors(affine), groups),
  };
}
