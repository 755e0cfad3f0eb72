import type { ConvolutionOptions, Scope } from '../module-tree.js';
import type { Step } from './sequential.js';
import { sequential } from './sequential.js';

type Pair = readonly [number, number];

export interface ConvolutionNormOptions extends Omit<ConvolutionOptions, 'bias'> {
  /** After the normalisation; none where left out. */
  activation?: Step | null;
}

const half = (kernel: number, dilation: number): number => Math.floor((kernel - 1) / 2) * dilation;

/** Padding that keeps the size at stride 1, for odd kernels. */
export function samePadding(kernel: number | readonly number[], dilation = 1): number | readonly number[] {
  return typeof kernel === 'number' ? half(kernel, dilation) : kernel.map((size) => half(size, dilation));
}

export const relu: Step = (ops, x) => ops.reluInPlace(x);

/** torchvision's `Conv2dNormActivation`: a Sequential of convolution without bias, batch normalisation, activation. */
export function convolutionNorm(scope: Scope, [from, to]: Pair, options: ConvolutionNormOptions): Step {
  const { activation = null, ...convolution } = options;
  const padding = convolution.padding ?? samePadding(convolution.kernel, convolution.dilation);
  const conv = scope.conv2d('0', from, to, { ...convolution, padding, bias: false });
  const norm = scope.batchNorm('1', to);
  const steps: Step[] = [(ops, x) => ops.conv2d(x, conv), (ops, x) => ops.batchNorm(x, norm)];
  return sequential(activation === null ? steps : [...steps, activation]);
}
