import { divisible } from '../modules/channels.js';
import { relu } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { ConvolutionOptions, Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Kernel, first stride, expansion and blocks of each stack (torchvision/models/mnasnet.py). */
const STACKS = [
  [3, 2, 3, 3],
  [5, 2, 3, 3],
  [5, 2, 6, 3],
  [3, 1, 6, 2],
  [5, 2, 6, 4],
  [3, 1, 6, 1],
] as const;
const WIDTHS = [32, 16, 24, 40, 80, 96, 192, 320] as const;
const LAST = 1280;
const DROPOUT = 0.2;

/** Appends convolution and normalisation, numbered by their place in the Sequential. */
function push(scope: Scope, steps: Step[], [from, to]: readonly [number, number], options: ConvolutionOptions): void {
  const conv = scope.conv2d(String(steps.length), from, to, { ...options, bias: false });
  const norm = scope.batchNorm(String(steps.length + 1), to);
  steps.push(
    (ops, x) => ops.conv2d(x, conv),
    (ops, x) => ops.batchNorm(x, norm),
  );
}

interface BlockSizes {
  from: number;
  to: number;
  kernel: number;
  stride: number;
  expansion: number;
}

function invertedResidual(scope: Scope, { from, to, kernel, stride, expansion }: BlockSizes): Step {
  const inside = scope.child('layers');
  const hidden = from * expansion;
  const steps: Step[] = [];
  push(inside, steps, [from, hidden], { kernel: 1 });
  steps.push(relu);
  push(inside, steps, [hidden, hidden], { kernel, stride, padding: Math.floor(kernel / 2), groups: hidden });
  steps.push(relu);
  push(inside, steps, [hidden, to], { kernel: 1 });
  const convolve = sequential(steps);
  const adds = from === to && stride === 1;
  return module((ops, x: Tensor): Tensor => (adds ? ops.add(convolve(ops, x), x) : convolve(ops, x)));
}

function layers(scope: Scope, widths: readonly number[]): Step {
  const [stem, separable] = widths as readonly [number, number];
  const steps: Step[] = [];
  push(scope, steps, [3, stem], { kernel: 3, stride: 2, padding: 1 });
  steps.push(relu);
  push(scope, steps, [stem, stem], { kernel: 3, padding: 1, groups: stem });
  steps.push(relu);
  push(scope, steps, [stem, separable], { kernel: 1 });
  STACKS.forEach(([kernel, stride, expansion, blocks], i) => {
    const stack = scope.child(String(steps.length));
    const [from, to] = [widths[i + 1]!, widths[i + 2]!];
    const members = Array.from({ length: blocks }, (_, j) => {
      const sizes = { from: j === 0 ? from : to, to, kernel, stride: j === 0 ? stride : 1, expansion };
      return invertedResidual(stack.child(String(j)), sizes);
    });
    steps.push(sequential(members));
  });
  push(scope, steps, [widths[widths.length - 1]!, LAST], { kernel: 1 });
  return sequential([...steps, relu]);
}

const mnasnet =
  (width: number): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const widths = WIDTHS.map((channels) => divisible(channels * width));
      const convolve = layers(root.child('layers'), widths);
      const head = root.child('classifier').linear('1', LAST, classes);
      const classify = sequential([
        (ops, x) => ops.dropoutInPlace(x, ops.dropoutOf(DROPOUT)),
        (ops, x) => ops.linear(x, head),
      ]);
      return module((ops, images: Tensor): Tensor => {
        let h = ops.keep(convolve(ops, images));
        h = ops.rebind(h, ops.mean(h, [2, 3], false));
        return classify(ops, h);
      });
    });

/** MNASNet for image classification (torchvision). */
export const MNASNETS: Readonly<Record<string, ClassifierConstructor>> = {
  mnasnet0_5: mnasnet(0.5),
  mnasnet0_75: mnasnet(0.75),
  mnasnet1_0: mnasnet(1.0),
  mnasnet1_3: mnasnet(1.3),
};
