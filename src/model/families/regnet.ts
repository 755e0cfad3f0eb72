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

/** Numbers that generate a RegNet: widths grow linearly with depth and are rounded to steps of a geometric series. */
interface RegnetNumbers {
  depth: number;
  initialWidth: number;
  slope: number;
  multiplier: number;
  groupWidth: number;
  /** Width of the gate's bottleneck against the block's input; 0: no gate. */
  gateRatio: number;
}

type Row = readonly [number, number, number, number, number];

/** depth, w_0, w_a, w_m, group width (torchvision/models/regnet.py) */
const X: Readonly<Record<string, Row>> = {
  regnet_x_400mf: [22, 24, 24.48, 2.54, 16],
  regnet_x_800mf: [16, 56, 35.73, 2.28, 16],
  regnet_x_1_6gf: [18, 80, 34.01, 2.25, 24],
  regnet_x_3_2gf: [25, 88, 26.31, 2.25, 48],
  regnet_x_8gf: [23, 80, 49.56, 2.88, 120],
  regnet_x_16gf: [22, 216, 55.59, 2.1, 128],
  regnet_x_32gf: [23, 320, 69.86, 2.0, 168],
};
const Y: Readonly<Record<string, Row>> = {
  regnet_y_400mf: [16, 48, 27.89, 2.09, 8],
  regnet_y_800mf: [14, 56, 38.84, 2.4, 16],
  regnet_y_1_6gf: [27, 48, 20.71, 2.65, 24],
  regnet_y_3_2gf: [21, 80, 42.63, 2.66, 24],
  regnet_y_8gf: [17, 192, 76.82, 2.19, 56],
  regnet_y_16gf: [18, 200, 106.23, 2.48, 112],
  regnet_y_32gf: [20, 232, 115.89, 2.53, 232],
  regnet_y_128gf: [27, 456, 160.83, 2.52, 264],
};
const GATE_RATIO = 0.25;
const STEM = 32;
const QUANTUM = 8;

const numbers = (row: Row, gateRatio: number): RegnetNumbers => {
  const [depth, initialWidth, slope, multiplier, groupWidth] = row;
  return { depth, initialWidth, slope, multiplier, groupWidth, gateRatio };
};

interface StageSizes {
  width: number;
  groupWidth: number;
  blocks: number;
  gateRatio: number;
}

/** Python's and torch's rounding: halves to even. */
function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Width of each block, rounded to a step of the series and a multiple of eight. */
function blockWidth(block: number, { initialWidth, slope, multiplier }: RegnetNumbers): number {
  const step = roundHalfToEven(Math.log((block * slope + initialWidth) / initialWidth) / Math.log(multiplier));
  return roundHalfToEven((initialWidth * multiplier ** step) / QUANTUM) * QUANTUM;
}

/** Blocks of equal width are a stage; its width is made a multiple of the group's. */
function stagesOf(net: RegnetNumbers): StageSizes[] {
  const counts = new Map<number, number>();
  for (let block = 0; block < net.depth; block++) {
    const width = blockWidth(block, net);
    counts.set(width, (counts.get(width) ?? 0) + 1);
  }
  return [...counts].map(([width, blocks]) => {
    const groupWidth = Math.min(net.groupWidth, width);
    return { width: divisible(width, groupWidth), groupWidth, blocks, gateRatio: net.gateRatio };
  });
}

interface BlockSizes extends StageSizes {
  from: number;
  stride: number;
}

function transformation(scope: Scope, { from, width, stride, groupWidth, gateRatio }: BlockSizes): Step {
  const groups = Math.floor(width / groupWidth);
  const steps = [
    convolutionNorm(scope.child('a'), [from, width], { kernel: 1, activation: relu }),
    convolutionNorm(scope.child('b'), [width, width], { kernel: 3, stride, groups, activation: relu }),
  ];
  if (gateRatio > 0) {
    const squeezed = roundHalfToEven(gateRatio * from);
    const activation: Step = (ops, x) => ops.relu(x);
    const gate: Step = (ops, x) => ops.sigmoid(x);
    steps.push(squeezeExcitation(scope.child('se'), { channels: width, squeezed, activation, gate }));
  }
  return sequential([...steps, convolutionNorm(scope.child('c'), [width, width], { kernel: 1 })]);
}

function residualBlock(scope: Scope, sizes: BlockSizes): Step {
  const { from, width, stride } = sizes;
  const projects = from !== width || stride !== 1;
  const project = projects ? convolutionNorm(scope.child('proj'), [from, width], { kernel: 1, stride }) : null;
  const transform = transformation(scope.child('f'), sizes);
  return module((ops, x: Tensor): Tensor => {
    const shortcut = project === null ? x : ops.keep(project(ops, x));
    const transformed = transform(ops, x);
    const sum = ops.keep(ops.add(shortcut, transformed));
    if (project !== null) ops.drop(shortcut);
    return ops.reluInPlace(sum);
  });
}

function trunk(scope: Scope, stages: readonly StageSizes[]): Step {
  let from = STEM;
  const steps = stages.map((stage, i) => {
    const inside = scope.child(`block${i + 1}`);
    const members = Array.from({ length: stage.blocks }, (_, j) => {
      const sizes = { ...stage, from: j === 0 ? from : stage.width, stride: j === 0 ? 2 : 1 };
      return residualBlock(inside.child(`block${i + 1}-${j}`), sizes);
    });
    from = stage.width;
    return sequential(members);
  });
  return sequential(steps);
}

const regnet =
  (net: RegnetNumbers): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const stages = stagesOf(net);
      const stem = convolutionNorm(root.child('stem'), [3, STEM], { kernel: 3, stride: 2, activation: relu });
      const convolve = trunk(root.child('trunk_output'), stages);
      const head = root.linear('fc', stages[stages.length - 1]!.width, classes);
      return module((ops, images: Tensor): Tensor => {
        let h = ops.keep(stem(ops, images));
        h = ops.rebind(h, convolve(ops, h));
        return ops.linear(poolAndFlatten(ops, h), head);
      });
    });

const constructors = (rows: Readonly<Record<string, Row>>, gateRatio: number): [string, ClassifierConstructor][] =>
  Object.entries(rows).map(([name, row]) => [name, regnet(numbers(row, gateRatio))]);

/** RegNet X and Y for image classification (torchvision). */
export const REGNETS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries([
  ...constructors(X, 0),
  ...constructors(Y, GATE_RATIO),
]);
