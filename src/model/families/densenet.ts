import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Growth per layer, layers of each block, first width (torchvision/models/densenet.py). */
interface DensenetShape {
  growth: number;
  blocks: readonly [number, number, number, number];
  stem: number;
}

const SHAPES: Readonly<Record<string, DensenetShape>> = {
  densenet121: { growth: 32, blocks: [6, 12, 24, 16], stem: 64 },
  densenet161: { growth: 48, blocks: [6, 12, 36, 24], stem: 96 },
  densenet169: { growth: 32, blocks: [6, 12, 32, 32], stem: 64 },
  densenet201: { growth: 32, blocks: [6, 12, 48, 32], stem: 64 },
};
/** Width of a layer's bottleneck in units of the growth. */
const BOTTLENECK = 4;

type DenseLayer = (ops: Operations, features: readonly Tensor[]) => Tensor;

/** Concatenates all maps so far, normalises, and convolves twice. */
function denseLayer(scope: Scope, from: number, growth: number): DenseLayer {
  const wide = BOTTLENECK * growth;
  const norm1 = scope.batchNorm('norm1', from);
  const conv1 = scope.conv2d('conv1', from, wide, { kernel: 1, bias: false });
  const norm2 = scope.batchNorm('norm2', wide);
  const conv2 = scope.conv2d('conv2', wide, growth, { kernel: 3, padding: 1, bias: false });
  const bottleneck = module((ops, ...features: readonly Tensor[]): Tensor => {
    const joined = ops.keep(ops.cat(features, 1));
    return ops.keep(ops.conv2d(ops.reluInPlace(ops.batchNorm(joined, norm1)), conv1));
  });
  return (ops, features) => {
    ops.enter([]);
    const h = ops.keep(bottleneck(ops, ...features));
    return ops.leave(ops.keep(ops.conv2d(ops.reluInPlace(ops.batchNorm(h, norm2)), conv2)));
  };
}

function denseBlock(scope: Scope, layers: number, from: number, growth: number): Step {
  const members = Array.from({ length: layers }, (_, i) =>
    denseLayer(scope.child(`denselayer${i + 1}`), from + i * growth, growth),
  );
  return module((ops, x: Tensor): Tensor => {
    const features = [x];
    for (const layer of members) features.push(ops.keep(layer(ops, features)));
    return ops.cat(features, 1);
  });
}

function transition(scope: Scope, from: number): Step {
  const norm = scope.batchNorm('norm', from);
  const conv = scope.conv2d('conv', from, from / 2, { kernel: 1, bias: false });
  return sequential([
    (ops, x) => ops.batchNorm(x, norm),
    (ops, x) => ops.reluInPlace(x),
    (ops, x) => ops.conv2d(x, conv),
    (ops, x) => ops.avgPool2d(x, { kernel: 2, stride: 2, padding: 0, ceil: false }),
  ]);
}

function stem(scope: Scope, width: number): Step[] {
  const conv = scope.conv2d('conv0', 3, width, { kernel: 7, stride: 2, padding: 3, bias: false });
  const norm = scope.batchNorm('norm0', width);
  return [
    (ops, x) => ops.conv2d(x, conv),
    (ops, x) => ops.batchNorm(x, norm),
    (ops, x) => ops.reluInPlace(x),
    (ops, x) => ops.maxPool2d(x, { kernel: 3, stride: 2, padding: 1, ceil: false }),
  ];
}

function features(scope: Scope, { growth, blocks, stem: width }: DensenetShape): { run: Step; channels: number } {
  const steps = stem(scope, width);
  let channels = width;
  blocks.forEach((layers, i) => {
    steps.push(denseBlock(scope.child(`denseblock${i + 1}`), layers, channels, growth));
    channels += layers * growth;
    if (i === blocks.length - 1) return;
    steps.push(transition(scope.child(`transition${i + 1}`), channels));
    channels /= 2;
  });
  const norm = scope.batchNorm('norm5', channels);
  return { run: sequential([...steps, (ops, x) => ops.batchNorm(x, norm)]), channels };
}

const densenet =
  (shape: DensenetShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const { run, channels } = features(root.child('features'), shape);
      const classifier = root.linear('classifier', channels, classes);
      return module((ops, images: Tensor): Tensor => {
        const maps = ops.keep(run(ops, images));
        let out = ops.keep(ops.reluInPlace(maps));
        out = ops.rebind(out, ops.adaptiveAvgPool2d(out, 1));
        out = ops.rebind(out, ops.reshape(out, [out.shape[0]!, -1]));
        return ops.linear(out, classifier);
      });
    });

/** DenseNet for image classification (torchvision). */
export const DENSENETS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(SHAPES).map(([name, shape]) => [name, densenet(shape)]),
);
