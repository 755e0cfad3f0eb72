import { divisible } from '../modules/channels.js';
import { convolutionNorm, relu } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import { squeezeExcitation } from '../modules/squeeze-excitation.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** One block (torchvision/models/mobilenetv3.py): channels in, kernel, expanded, out, gate, activation, stride. */
type Row = readonly [number, number, number, number, boolean, 'relu' | 'hardswish', 1 | 2];

interface MobileNetV3Shape {
  rows: readonly Row[];
  /** Width of the classifier's hidden layer. */
  hidden: number;
}

const LARGE: MobileNetV3Shape = {
  rows: [
    [16, 3, 16, 16, false, 'relu', 1],
    [16, 3, 64, 24, false, 'relu', 2],
    [24, 3, 72, 24, false, 'relu', 1],
    [24, 5, 72, 40, true, 'relu', 2],
    [40, 5, 120, 40, true, 'relu', 1],
    [40, 5, 120, 40, true, 'relu', 1],
    [40, 3, 240, 80, false, 'hardswish', 2],
    [80, 3, 200, 80, false, 'hardswish', 1],
    [80, 3, 184, 80, false, 'hardswish', 1],
    [80, 3, 184, 80, false, 'hardswish', 1],
    [80, 3, 480, 112, true, 'hardswish', 1],
    [112, 3, 672, 112, true, 'hardswish', 1],
    [112, 5, 672, 160, true, 'hardswish', 2],
    [160, 5, 960, 160, true, 'hardswish', 1],
    [160, 5, 960, 160, true, 'hardswish', 1],
  ],
  hidden: 1280,
};

const SMALL: MobileNetV3Shape = {
  rows: [
    [16, 3, 16, 16, true, 'relu', 2],
    [16, 3, 72, 24, false, 'relu', 2],
    [24, 3, 88, 24, false, 'relu', 1],
    [24, 5, 96, 40, true, 'hardswish', 2],
    [40, 5, 240, 40, true, 'hardswish', 1],
    [40, 5, 240, 40, true, 'hardswish', 1],
    [40, 5, 120, 48, true, 'hardswish', 1],
    [48, 5, 144, 48, true, 'hardswish', 1],
    [48, 5, 288, 96, true, 'hardswish', 2],
    [96, 5, 576, 96, true, 'hardswish', 1],
    [96, 5, 576, 96, true, 'hardswish', 1],
  ],
  hidden: 1024,
};

/** The last two blocks and the one before them keep their resolution when the network serves a dense prediction. */
const DILATED_BLOCKS = 3;
const DROPOUT = 0.2;

const hardswish: Step = (ops, x) => ops.hardswishInPlace(x);

function gate(scope: Scope, channels: number): Step {
  return squeezeExcitation(scope, {
    channels,
    squeezed: divisible(Math.floor(channels / 4)),
    activation: (ops, x) => ops.relu(x),
    gate: (ops, x) => ops.hardsigmoid(x),
  });
}

function invertedResidual(scope: Scope, row: Row, dilation: number): Step {
  const [from, kernel, expanded, to, gated, activationName, stride] = row;
  const inside = scope.child('block');
  const activation = activationName === 'relu' ? relu : hardswish;
  const steps: Step[] = [];
  const next = (): Scope => inside.child(String(steps.length));
  if (expanded !== from) steps.push(convolutionNorm(next(), [from, expanded], { kernel: 1, activation }));
  const spatial = { kernel, stride: dilation > 1 ? 1 : stride, dilation, groups: expanded, activation };
  steps.push(convolutionNorm(next(), [expanded, expanded], spatial));
  if (gated) steps.push(gate(next(), expanded));
  steps.push(convolutionNorm(next(), [expanded, to], { kernel: 1 }));
  const convolve = sequential(steps);
  const adds = stride === 1 && from === to;
  return module((ops, x: Tensor): Tensor => {
    const result = ops.keep(convolve(ops, x));
    return adds ? ops.addInPlace(result, x) : result;
  });
}

export interface MobileNetV3Features {
  /** First convolution, blocks, last convolution. */
  steps: Step[];
  channels: number;
}

/** The convolutional part; dilated: at a sixteenth of the resolution, as segmentation models use it. */
export function mobilenetV3Features(scope: Scope, size: 'large' | 'small', dilated: boolean): MobileNetV3Features {
  const { rows } = size === 'large' ? LARGE : SMALL;
  const last = rows[rows.length - 1]![3];
  const steps = [
    convolutionNorm(scope.child('0'), [3, rows[0]![0]], { kernel: 3, stride: 2, activation: hardswish }),
    ...rows.map((row, i) => {
      const dilation = dilated && i >= rows.length - DILATED_BLOCKS ? 2 : 1;
      return invertedResidual(scope.child(String(i + 1)), row, dilation);
    }),
    convolutionNorm(scope.child(String(rows.length + 1)), [last, 6 * last], { kernel: 1, activation: hardswish }),
  ];
  return { steps, channels: 6 * last };
}

const mobilenetV3 =
  (size: 'large' | 'small'): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const { steps, channels } = mobilenetV3Features(root.child('features'), size, false);
      const convolve = sequential(steps);
      const { hidden } = size === 'large' ? LARGE : SMALL;
      const head = root.child('classifier');
      const first = head.linear('0', channels, hidden);
      const last = head.linear('3', hidden, classes);
      const classify = sequential([
        (ops, x) => ops.linear(x, first),
        hardswish,
        (ops, x) => ops.dropoutInPlace(x, ops.dropoutOf(DROPOUT)),
        (ops, x) => ops.linear(x, last),
      ]);
      return module((ops, images: Tensor): Tensor => {
        const h = ops.keep(convolve(ops, images));
        return classify(ops, poolAndFlatten(ops, h));
      });
    });

/** MobileNetV3 for image classification (torchvision). */
export const MOBILENETS_V3: Readonly<Record<string, ClassifierConstructor>> = {
  mobilenet_v3_large: mobilenetV3('large'),
  mobilenet_v3_small: mobilenetV3('small'),
};
