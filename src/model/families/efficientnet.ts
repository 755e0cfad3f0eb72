import { divisible } from '../modules/channels.js';
import { convolutionNorm } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import { squeezeExcitation } from '../modules/squeeze-excitation.js';
import { stochasticDepth } from '../modules/stochastic-depth.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** One stage (torchvision/models/efficientnet.py): block, expansion, kernel, first stride, channels in and out, blocks. */
type Stage = readonly ['mb' | 'fused', number, number, 1 | 2, number, number, number];

const VERSION_1: readonly Stage[] = [
  ['mb', 1, 3, 1, 32, 16, 1],
  ['mb', 6, 3, 2, 16, 24, 2],
  ['mb', 6, 5, 2, 24, 40, 2],
  ['mb', 6, 3, 2, 40, 80, 3],
  ['mb', 6, 5, 1, 80, 112, 3],
  ['mb', 6, 5, 2, 112, 192, 4],
  ['mb', 6, 3, 1, 192, 320, 1],
];

const SMALL: readonly Stage[] = [
  ['fused', 1, 3, 1, 24, 24, 2],
  ['fused', 4, 3, 2, 24, 48, 4],
  ['fused', 4, 3, 2, 48, 64, 4],
  ['mb', 4, 3, 2, 64, 128, 6],
  ['mb', 6, 3, 1, 128, 160, 9],
  ['mb', 6, 3, 2, 160, 256, 15],
];

const MEDIUM: readonly Stage[] = [
  ['fused', 1, 3, 1, 24, 24, 3],
  ['fused', 4, 3, 2, 24, 48, 5],
  ['fused', 4, 3, 2, 48, 80, 5],
  ['mb', 4, 3, 2, 80, 160, 7],
  ['mb', 6, 3, 1, 160, 176, 14],
  ['mb', 6, 3, 2, 176, 304, 18],
  ['mb', 6, 3, 1, 304, 512, 5],
];

const LARGE: readonly Stage[] = [
  ['fused', 1, 3, 1, 32, 32, 4],
  ['fused', 4, 3, 2, 32, 64, 7],
  ['fused', 4, 3, 2, 64, 96, 7],
  ['mb', 4, 3, 2, 96, 192, 10],
  ['mb', 6, 3, 1, 192, 224, 19],
  ['mb', 6, 3, 2, 224, 384, 25],
  ['mb', 6, 3, 1, 384, 640, 7],
];

interface EfficientNetShape {
  stages: readonly Stage[];
  dropout: number;
  /** Channels of the last convolution; four times the last stage's where left out. */
  last?: number;
}

/** Widths and depths of the first version are multiples of B0's. */
function scaled(width: number, depth: number, dropout: number): EfficientNetShape {
  const stages = VERSION_1.map(([block, expansion, kernel, stride, from, to, blocks]): Stage => [
    block,
    expansion,
    kernel,
    stride,
    divisible(from * width),
    divisible(to * width),
    Math.ceil(blocks * depth),
  ]);
  return { stages, dropout };
}

const SHAPES: Readonly<Record<string, EfficientNetShape>> = {
  efficientnet_b0: scaled(1.0, 1.0, 0.2),
  efficientnet_b1: scaled(1.0, 1.1, 0.2),
  efficientnet_b2: scaled(1.1, 1.2, 0.3),
  efficientnet_b3: scaled(1.2, 1.4, 0.3),
  efficientnet_b4: scaled(1.4, 1.8, 0.4),
  efficientnet_b5: scaled(1.6, 2.2, 0.4),
  efficientnet_b6: scaled(1.8, 2.6, 0.5),
  efficientnet_b7: scaled(2.0, 3.1, 0.5),
  efficientnet_v2_s: { stages: SMALL, dropout: 0.2, last: 1280 },
  efficientnet_v2_m: { stages: MEDIUM, dropout: 0.3, last: 1280 },
  efficientnet_v2_l: { stages: LARGE, dropout: 0.4, last: 1280 },
};
const STOCHASTIC_DEPTH = 0.2;

const silu: Step = (ops, x) => ops.siluInPlace(x);

interface BlockSizes {
  kind: 'mb' | 'fused';
  from: number;
  to: number;
  expanded: number;
  kernel: number;
  stride: number;
}

/** Expand by 1x1, convolve each channel, gate, project by 1x1. */
function mbSteps(scope: Scope, { from, to, expanded, kernel, stride }: BlockSizes): Step[] {
  const steps: Step[] = [];
  const next = (): Scope => scope.child(String(steps.length));
  if (expanded !== from) steps.push(convolutionNorm(next(), [from, expanded], { kernel: 1, activation: silu }));
  steps.push(convolutionNorm(next(), [expanded, expanded], { kernel, stride, groups: expanded, activation: silu }));
  const squeezed = Math.max(1, Math.floor(from / 4));
  const gate: Step = (ops, x) => ops.sigmoid(x);
  steps.push(squeezeExcitation(next(), { channels: expanded, squeezed, activation: silu, gate }));
  steps.push(convolutionNorm(next(), [expanded, to], { kernel: 1 }));
  return steps;
}

/** Expand by a full convolution, project by 1x1; a single convolution where nothing is expanded. */
function fusedSteps(scope: Scope, { from, to, expanded, kernel, stride }: BlockSizes): Step[] {
  const spatial = { kernel, stride, activation: silu };
  if (expanded === from) return [convolutionNorm(scope.child('0'), [from, to], spatial)];
  return [
    convolutionNorm(scope.child('0'), [from, expanded], spatial),
    convolutionNorm(scope.child('1'), [expanded, to], { kernel: 1 }),
  ];
}

function residualBlock(scope: Scope, sizes: BlockSizes, depthProbability: number): Step {
  const inside = scope.child('block');
  const convolve = sequential(sizes.kind === 'mb' ? mbSteps(inside, sizes) : fusedSteps(inside, sizes));
  const thin = stochasticDepth(depthProbability);
  const adds = sizes.stride === 1 && sizes.from === sizes.to;
  return module((ops, x: Tensor): Tensor => {
    let result = ops.keep(convolve(ops, x));
    if (!adds) return result;
    result = ops.rebind(result, thin(ops, result));
    return ops.addInPlace(result, x);
  });
}

function features(scope: Scope, { stages }: EfficientNetShape, last: number): Step {
  const total = stages.reduce((sum, stage) => sum + stage[6], 0);
  let done = 0;
  const steps = [
    convolutionNorm(scope.child('0'), [3, stages[0]![4]], { kernel: 3, stride: 2, activation: silu }),
    ...stages.map(([kind, expansion, kernel, stride, first, to, blocks], stage) => {
      const inside = scope.child(String(stage + 1));
      const members = Array.from({ length: blocks }, (_, i) => {
        const from = i === 0 ? first : to;
        const expanded = divisible(from * expansion);
        const sizes = { kind, from, to, expanded, kernel, stride: i === 0 ? stride : 1 };
        return residualBlock(inside.child(String(i)), sizes, (STOCHASTIC_DEPTH * done++) / total);
      });
      return sequential(members);
    }),
  ];
  const from = stages[stages.length - 1]![5];
  const convolution = { kernel: 1, activation: silu };
  return sequential([...steps, convolutionNorm(scope.child(String(steps.length)), [from, last], convolution)]);
}

const efficientnet =
  (shape: EfficientNetShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const { stages, dropout } = shape;
      const last = shape.last ?? 4 * stages[stages.length - 1]![5];
      const convolve = features(root.child('features'), shape, last);
      const head = root.child('classifier').linear('1', last, classes);
      const classify = sequential([
        (ops, x) => ops.dropoutInPlace(x, ops.dropoutOf(dropout)),
        (ops, x) => ops.linear(x, head),
      ]);
      return module((ops, images: Tensor): Tensor => {
        const h = ops.keep(convolve(ops, images));
        return classify(ops, poolAndFlatten(ops, h));
      });
    });

/** EfficientNet, both versions, for image classification (torchvision). */
export const EFFICIENTNETS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, efficientnet(shape)]),
);
