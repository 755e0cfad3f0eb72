import type { ConvolutionOptions, Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Step } from './sequential.js';
import { sequential } from './sequential.js';

type Pair = readonly [number, number];

/** `BasicConv2d`: convolution without bias, batch normalisation, ReLU in place. */
export function basicConvolution(scope: Scope, [from, to]: Pair, options: ConvolutionOptions): Step {
  const conv = scope.conv2d('conv', from, to, { ...options, bias: false });
  const norm = scope.batchNorm('bn', to);
  return sequential([
    (ops, x) => ops.conv2d(x, conv),
    (ops, x) => ops.batchNorm(x, norm),
    (ops, x) => ops.reluInPlace(x),
  ]);
}

/** One convolution of a branch: its name, channels out and kernel; padded to keep the size where nothing else is said. */
export interface BranchConvolution {
  name: string;
  to: number;
  kernel: number | Pair;
  stride?: number;
  padding?: number | Pair;
}

const half = (kernel: number): number => Math.floor(kernel / 2);
const samePadding = (kernel: number | Pair): number | Pair =>
  typeof kernel === 'number' ? half(kernel) : [half(kernel[0]), half(kernel[1])];

/** Convolutions one after another. */
export function branch(scope: Scope, from: number, convolutions: readonly BranchConvolution[]): Step {
  let channels = from;
  return sequential(
    convolutions.map(({ name, to, kernel, stride, padding }) => {
      const options = { kernel, stride, padding: padding ?? samePadding(kernel) };
      const step = basicConvolution(scope.child(name), [channels, to], options);
      channels = to;
      return step;
    }),
  );
}

/** Branches side by side, their channels joined. */
export function parallel(branches: readonly Step[]): Step {
  return module((ops, x: Tensor): Tensor => {
    const outputs = branches.map((run) => ops.keep(run(ops, x)));
    return ops.cat(outputs, 1);
  });
}
