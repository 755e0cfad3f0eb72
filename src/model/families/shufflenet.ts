import { relu } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { ConvolutionOptions, Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Channels of the stem, three stages and the last convolution (torchvision/models/shufflenetv2.py). */
type Widths = readonly [number, number, number, number, number];

const WIDTHS: Readonly<Record<string, Widths>> = {
  shufflenet_v2_x0_5: [24, 48, 96, 192, 1024],
  shufflenet_v2_x1_0: [24, 116, 232, 464, 1024],
  shufflenet_v2_x1_5: [24, 176, 352, 704, 1024],
  shufflenet_v2_x2_0: [24, 244, 488, 976, 2048],
};
const BLOCKS = [4, 8, 4] as const;

/** `channel_shuffle` with two groups: a transposition of the channels, copied. */
const shuffle = module((ops, x: Tensor): Tensor => {
  const [batch, channels, height, width] = x.shape as readonly [number, number, number, number];
  let h = ops.keep(ops.view(x, [batch, 2, channels / 2, height, width]));
  h = ops.rebind(h, ops.contiguous(ops.transpose(h, 1, 2)));
  return ops.view(h, [batch, channels, height, width]);
});

/** Appends convolution and normalisation, numbered by their place in the Sequential. */
function push(scope: Scope, steps: Step[], [from, to]: readonly [number, number], options: ConvolutionOptions): void {
  const conv = scope.conv2d(String(steps.length), from, to, { ...options, bias: false });
  const norm = scope.batchNorm(String(steps.length + 1), to);
  steps.push(
    (ops, x) => ops.conv2d(x, conv),
    (ops, x) => ops.batchNorm(x, norm),
  );
}

function shortcutBranch(scope: Scope, from: number, half: number): Step {
  const steps: Step[] = [];
  push(scope, steps, [from, from], { kernel: 3, stride: 2, padding: 1, groups: from });
  push(scope, steps, [from, half], { kernel: 1 });
  return sequential([...steps, relu]);
}

function mainBranch(scope: Scope, from: number, half: number, stride: number): Step {
  const steps: Step[] = [];
  push(scope, steps, [from, half], { kernel: 1 });
  steps.push(relu);
  push(scope, steps, [half, half], { kernel: 3, stride, padding: 1, groups: half });
  push(scope, steps, [half, half], { kernel: 1 });
  return sequential([...steps, relu]);
}

/** Both branches see all channels and halve the resolution. */
function downsamplingUnit(scope: Scope, from: number, to: number): Step {
  const shortcut = shortcutBranch(scope.child('branch1'), from, to / 2);
  const convolve = mainBranch(scope.child('branch2'), from, to / 2, 2);
  return module((ops, x: Tensor): Tensor => {
    const passed = shortcut(ops, x);
    const out = ops.keep(ops.cat([passed, convolve(ops, x)], 1));
    return shuffle(ops, out);
  });
}

/** Half of the channels pass unchanged. */
function unit(scope: Scope, width: number): Step {
  const half = width / 2;
  const convolve = mainBranch(scope.child('branch2'), half, half, 1);
  return module((ops, x: Tensor): Tensor => {
    const [passed, rest] = ops.split(x, [half, half], 1).map((part) => ops.keep(part)) as [Tensor, Tensor];
    const out = ops.keep(ops.cat([passed, convolve(ops, rest)], 1));
    return shuffle(ops, out);
  });
}

function stage(scope: Scope, blocks: number, from: number, to: number): Step {
  const members = Array.from({ length: blocks }, (_, i) => {
    const inside = scope.child(String(i));
    return i === 0 ? downsamplingUnit(inside, from, to) : unit(inside, to);
  });
  return sequential(members);
}

function plainConvolution(scope: Scope, channels: readonly [number, number], options: ConvolutionOptions): Step {
  const steps: Step[] = [];
  push(scope, steps, channels, options);
  return sequential([...steps, relu]);
}

const shufflenet =
  (widths: Widths): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const steps: Step[] = [
        plainConvolution(root.child('conv1'), [3, widths[0]], { kernel: 3, stride: 2, padding: 1 }),
        (ops, x) => ops.maxPool2d(x, { kernel: 3, stride: 2, padding: 1, ceil: false }),
        ...BLOCKS.map((blocks, i) => stage(root.child(`stage${i + 2}`), blocks, widths[i]!, widths[i + 1]!)),
        plainConvolution(root.child('conv5'), [widths[3], widths[4]], { kernel: 1 }),
        (ops, x) => ops.mean(x, [2, 3], false),
      ];
      const classifier = root.linear('fc', widths[4], classes);
      return sequential([...steps, (ops, x) => ops.linear(x, classifier)]);
    });

/** ShuffleNetV2 for image classification (torchvision). */
export const SHUFFLENETS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(WIDTHS).map(([name, widths]) => [name, shufflenet(widths)]),
);
