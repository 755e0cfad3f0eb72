import { int64 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import { indexCopy } from '../operations/indexing.js';
import { contiguous, transpose, view } from '../operations/views.js';

const CONVOLUTION = operation('conv1d');
const CONVOLUTION_BACKWARD = operation('convolution_backward');

/** Gradients of input and factor in one call, from a contiguous copy of the gradient. */
const CONVOLUTION_FORMULA: Formula = {
  operation: CONVOLUTION,
  apply: (workspace, node) => {
    const [input, factor] = node.saved as [EngineTensor, EngineTensor];
    const copy =
      node.gradient.strides === null ? null : workspace.empty(node.gradient.shape, node.gradient.dtype, CONVOLUTION);
    const gradients = [input, factor].map((tensor, i) =>
      node.needs(i) ? workspace.empty(tensor.shape, tensor.dtype, CONVOLUTION_BACKWARD) : null,
    );
    if (copy !== null) workspace.consume(copy);
    return gradients;
  },
};

/** `F.conv1d` of [batch, ranks, length] with one group for each adapted part. */
function groupedConvolution(engine: Engine, x: EngineTensor, factor: EngineTensor): EngineTensor {
  const node = engine.record(CONVOLUTION_FORMULA, [x, factor]);
  engine.save(node, x);
  engine.save(node, factor);
  const shape = [x.shape[0]!, factor.shape[0]!, x.shape[2]!];
  const out = engine.attach(engine.empty(shape, x.dtype, CONVOLUTION), node);
  engine.consume(x);
  return out;
}

/**
 * The upper factors of a merged layer (`LoRAQKVLinear` of litgpt/lora.py): each part by its own group of a convolution;
 * where some parts are not adapted, the result is copied into zeros of the whole width.
 */
export function mergedProduct(engine: Engine, inner: EngineTensor, factor: EngineTensor, whole: Shape): EngineTensor {
  const product = transpose(engine, groupedConvolution(engine, transpose(engine, inner, 1, 2), factor), 1, 2);
  const width = whole[whole.length - 1]!;
  const adapted = factor.shape[0]!;
  if (adapted === width) return product;
  const rows = elementCount(whole) / width;
  const source = view(engine, contiguous(engine, product), [rows, adapted]);
  const zeros = engine.empty([rows, width], source.dtype, operation('new_zeros'));
  const index = engine.empty([adapted], int64, operation('lift_fresh'));
  return view(engine, indexCopy(engine, zeros, index, source), whole);
}
