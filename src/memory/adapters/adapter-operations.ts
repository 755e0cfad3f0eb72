import type { Linear } from '../../model/module-tree.js';
import type {
  CreationOperations,
  ElementwiseOperations,
  IndexOperations,
  MatrixOperations,
  ReductionOperations,
  Tensor,
  TensorOperations,
  ViewOperations,
} from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { elementwiseOperations } from '../operations/elementwise.js';
import type { FrameOperations } from '../operations/frames.js';
import { frameOperations } from '../operations/frames.js';
import { indexOperations } from '../operations/indexing.js';
import { bmm, linear, matmul } from '../operations/matrix.js';
import { reductionOperations } from '../operations/reductions.js';
import { tensorLayerOperations } from '../operations/tensor-layers.js';
import { viewOperations } from '../operations/views.js';
import type { SparseOperations } from './sparse-operations.js';
import { sparseOperations } from './sparse-operations.js';

/** Products that layers of models do not need. */
interface ProductOperations {
  /** `x @ matrix`, the matrix stored as [in, out]. */
  productWith(x: Tensor, matrix: Tensor): Tensor;
}

/** The part of the vocabulary that adapters are written in: what takes tensors alone, and no layers of the model. */
export type AdapterOperations = SparseOperations &
  ProductOperations &
  FrameOperations &
  Pick<CreationOperations, 'create'> &
  ElementwiseOperations &
  ReductionOperations &
  ViewOperations &
  Pick<MatrixOperations, 'matmul' | 'bmm'> &
  Pick<IndexOperations, 'index' | 'topK'> &
  Pick<
    TensorOperations,
    'linearWith' | 'mm' | 'elementwise' | 'clone' | 'stack' | 'vectorNorm' | 'rearranged' | 'mulInPlace'
  >;

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

export function adapterOperations(engine: Engine): AdapterOperations {
  return {
    ...frameOperations(engine),
    create: (name, shape, dtype) => engine.create(name, shape, dtype),
    ...elementwiseOperations(engine),
    ...reductionOperations(engine),
    ...viewOperations(engine),
    ...tensorLayerOperations(engine),
    ...indexOperations(engine, () => {
      throw new Error('adapters look up no tables');
    }),
    ...sparseOperations(engine),
    productWith: (x, matrix) => {
      const [inFeatures, outFeatures] = matrix.shape as readonly [number, number];
      const layer = { inFeatures, outFeatures, transposed: true } as Linear;
      return linear(engine, own(x), layer, { weight: own(matrix), bias: null });
    },
    matmul: (a, b) => matmul(engine, own(a), own(b)),
    bmm: (a, b) => bmm(engine, own(a), own(b)),
  };
}
