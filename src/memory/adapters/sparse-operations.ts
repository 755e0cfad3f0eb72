import type { DType } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { inPlace } from '../operations/elementwise.js';

/** What adapters do that no model does: write learned elements into whole matrices. */
export interface SparseOperations {
  /** `x[positions] = values` on a tensor that asks for no gradient itself. */
  indexPutInPlace(x: Tensor, positions: readonly Tensor[], values: Tensor): Tensor;
  /** `x += number * y` */
  addScaledInPlace(x: Tensor, y: Tensor): Tensor;
  /** `x += sparse`, of learned values at places. */
  sparseAddInPlace(x: Tensor, values: Tensor, places: Tensor): Tensor;
  /** `torch.fft.ifft2(x).real`: a view of the complex result. */
  realOfTransform(x: Tensor): Tensor;
  /** The real part of a new complex tensor, in a shape: a view of every second number. */
  realPart(shape: Shape, dtype: DType): Tensor;
}

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
const complex64: DType = { name: 'complex64', bytes: 8, floating: true };

/** The gradient's elements at the places that were written. */
const elementsFormula = (name: string): Formula => ({
  operation: operation(name),
  apply: (workspace, node) => {
    const values = node.needs(1) ? workspace.empty(node.shapes![0]!, node.gradient.dtype, operation('index')) : null;
    return [node.needs(0) ? node.gradient : null, values];
  },
});
const INDEX_PUT = elementsFormula('index_put');
const SPARSE_ADD = elementsFormula('sparse_add');

const ADD_SCALED: Formula = {
  operation: operation('add'),
  apply: (workspace, node) => [
    node.needs(0) ? node.gradient : null,
    node.needs(1) ? workspace.emptyLike(node.gradient, operation('mul')) : null,
  ],
};

/** The gradient as the real part of a complex one, transformed, and the real part of that copied. */
const REAL_OF_TRANSFORM: Formula = {
  operation: operation('fft_c2c'),
  apply: (workspace, node) => {
    const { shape, dtype } = node.gradient;
    const complex = workspace.empty(shape, complex64, operation('select_backward'));
    const transformed = workspace.empty(shape, complex64, operation('fft_c2c'));
    workspace.consume(complex);
    const result = workspace.empty(shape, dtype, operation('to_copy'));
    workspace.consume(transformed);
    return [result];
  },
};

/** `.real`: every second number of each row. */
function viewed(engine: Engine, pairs: EngineTensor, shape: Shape): EngineTensor {
  const strides = shape.map((_, i) => 2 * shape.slice(i + 1).reduce((product, size) => product * size, 1));
  const view = engine.viewOf(pairs, shape, strides);
  engine.consume(pairs);
  return view;
}

function written(engine: Engine, x: EngineTensor, values: EngineTensor, formula: Formula): EngineTensor {
  const node = engine.record(formula, [x, values]);
  if (node !== null) node.shapes = [values.shape];
  const out = inPlace(engine, x, node);
  engine.consume(values);
  return out;
}

export function sparseOperations(engine: Engine): SparseOperations {
  return {
    realPart: (shape, dtype) => viewed(engine, engine.empty([...shape, 2], dtype, operation('fft_c2c')), shape),
    indexPutInPlace: (x, _positions, values) => written(engine, own(x), own(values), INDEX_PUT),
    addScaledInPlace: (x, y) => written(engine, own(x), own(y), ADD_SCALED),
    sparseAddInPlace: (x, values, places) => {
      const out = written(engine, own(x), own(values), SPARSE_ADD);
      engine.consume(own(places));
      return out;
    },
    realOfTransform: (x) => {
      const node = engine.record(REAL_OF_TRANSFORM, [own(x)]);
      const complex = engine.empty(x.shape, complex64, operation('to_copy'));
      const pairs = engine.empty([...x.shape, 2], x.dtype, operation('fft_c2c'));
      engine.consume(complex);
      engine.consume(own(x));
      const real = viewed(engine, pairs, x.shape);
      return engine.attach(real, node);
    },
  };
}
