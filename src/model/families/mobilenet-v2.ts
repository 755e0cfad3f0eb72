import { divisible } from '../modules/channels.js';
import { convolutionNorm } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Expansion, channels, blocks and first stride of each stage (torchvision/models/mobilenetv2.py). */
const STAGES = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;
const STEM = 32;
const LAST = 1280;
const DROPOUT = 0.2;

const relu6: Step = (ops, x) => ops.relu6InPlace(x);

interface BlockSizes {
  from: number;
  to: number;
  stride: number;
  expansion: number;
}

function invertedResidual(scope: Scope, { from, to, stride, expansion }: BlockSizes): Step {
  const inside = scope.child('conv');
  const hidden = Math.round(from * expansion);
  const steps: Step[] = [];
  const next = (): Scope => inside.child(String(steps.length));
  if (expansion !== 1) steps.push(convolutionNorm(next(), [from, hidden], { kernel: 1, activation: relu6 }));
  steps.push(convolutionNorm(next(), [hidden, hidden], { kernel: 3, stride, groups: hidden, activation: relu6 }));
  const project = inside.conv2d(String(steps.length), hidden, to, { kernel: 1, bias: false });
  const norm = inside.batchNorm(String(steps.length + 1), to);
  steps.push(
    (ops, x) => ops.conv2d(x, project),
    (ops, x) => ops.batchNorm(x, norm),
  );
  const convolve = sequential(steps);
  const adds = stride === 1 && from === to;
  return module((ops, x: Tensor): Tensor => (adds ? ops.add(x, convolve(ops, x)) : convolve(ops, x)));
}

function features(scope: Scope, width: number, last: number): Step {
  const steps: Step[] = [];
  const next = (): Scope => scope.child(String(steps.length));
  let from = divisible(STEM * width);
  steps.push(convolutionNorm(next(), [3, from], { kernel: 3, stride: 2, activation: relu6 }));
  for (const [expansion, channels, blocks, first] of STAGES) {
    const to = divisible(channels * width);
    for (let i = 0; i < blocks; i++) {
      steps.push(invertedResidual(next(), { from, to, stride: i === 0 ? first : 1, expansion }));
      from = to;
    }
  }
  steps.push(convolutionNorm(next(), [from, last], { kernel: 1, activation: relu6 }));
  return sequential(steps);
}

/** MobileNetV2 with a width multiplier, for image classification. */
const mobilenetV2 =
  (width: number): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const last = divisible(LAST * Math.max(1, width));
      const convolve = features(root.child('features'), width, last);
      const head = root.child('classifier').linear('1', last, classes);
      const classify = sequential([
        (ops, x) => ops.dropout(x, ops.dropoutOf(DROPOUT)),
        (ops, x) => ops.linear(x, head),
      ]);
      return module((ops, images: Tensor): Tensor => {
        const h = ops.keep(convolve(ops, images));
        return classify(ops, poolAndFlatten(ops, h));
      });
    });

export const MOBILENETS_V2: Readonly<Record<string, ClassifierConstructor>> = { mobilenet_v2: mobilenetV2(1) };
