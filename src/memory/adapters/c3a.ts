import type { DType } from '../../model/dtype.js';
import { float32 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';
import { requireBlocks } from './adapter-method.js';
import { customFunction } from './custom-function.js';

const DEFAULT_BLOCK = 256;
const complex64: DType = { name: 'complex64', bytes: 8, floating: true };

/** C3A: blocks of the change are circulant, so that products with them are products of transforms. */
export const c3a: AdapterMethod = (beside) => {
  const { ops, engine, layer } = beside;
  const block = beside.rank ?? DEFAULT_BLOCK;
  requireBlocks('c3a', layer, block, [layer.inFeatures, layer.outFeatures]);
  const [rows, columns] = [layer.outFeatures / block, layer.inFeatures / block];
  const kernel = beside.trained([rows, columns, block]);
  const transform = ({ shape }: Tensor): Tensor => ops.create('fft', shape, complex64);
  /** The product of transforms, transformed back: a view of its real part. */
  const realProduct = (spectra: readonly Tensor[], shape: Shape): Tensor => {
    const product = ops.derive('einsum', spectra, shape, complex64);
    const real = ops.realPart(shape, float32);
    ops.drop(product);
    return real;
  };
  return (x, base) => {
    ops.enter([x]);
    let result = ops.keep(base(x));
    const input = ops.keep(ops.to(x, float32));
    const outer = x.shape.slice(0, -1);
    const product = customFunction(engine, {
      name: 'block_circular_convolution',
      inputs: [input, kernel],
      saves: [input, kernel],
      forward: () => realProduct([transform(input), transform(kernel)], [...outer, layer.outFeatures]),
      backward: (gradient) => {
        const spectrum = ops.keep(transform(gradient));
        const ofInput = realProduct([spectrum, transform(kernel)], input.shape);
        const ofKernel = realProduct([spectrum, transform(input)], kernel.shape);
        ops.drop(spectrum);
        return [ofInput, ofKernel];
      },
    });
    const change = ops.rebind(input, ops.mulScalar(product));
    result = ops.rebind(result, ops.addInPlace(result, ops.to(change, result.dtype)));
    return ops.leave(ops.to(result, x.dtype));
  };
};
