import { relu } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Squeezed and expanded width of a fire module, or a pooling (torchvision/models/squeezenet.py). */
type Row = readonly [number, number] | 'pool';

interface SqueezenetShape {
  stem: { channels: number; kernel: number };
  rows: readonly Row[];
}

const VERSION_1_0: SqueezenetShape = {
  stem: { channels: 96, kernel: 7 },
  rows: ['pool', [16, 64], [16, 64], [32, 128], 'pool', [32, 128], [48, 192], [48, 192], [64, 256], 'pool', [64, 256]],
};
const VERSION_1_1: SqueezenetShape = {
  stem: { channels: 64, kernel: 3 },
  rows: ['pool', [16, 64], [16, 64], 'pool', [32, 128], [32, 128], 'pool', [48, 192], [48, 192], [64, 256], [64, 256]],
};
const DROPOUT = 0.5;

const pool: Step = (ops, x) => ops.maxPool2d(x, { kernel: 3, stride: 2, padding: 0, ceil: true });

function fire(scope: Scope, from: number, [squeezed, expanded]: readonly [number, number]): Step {
  const squeeze = scope.conv2d('squeeze', from, squeezed, { kernel: 1 });
  const expand1 = scope.conv2d('expand1x1', squeezed, expanded, { kernel: 1 });
  const expand3 = scope.conv2d('expand3x3', squeezed, expanded, { kernel: 3, padding: 1 });
  return module((ops, x: Tensor): Tensor => {
    const h = ops.keep(ops.reluInPlace(ops.conv2d(x, squeeze)));
    const pointwise = ops.reluInPlace(ops.conv2d(h, expand1));
    return ops.cat([pointwise, ops.reluInPlace(ops.conv2d(h, expand3))], 1);
  });
}

function features(scope: Scope, { stem, rows }: SqueezenetShape): { run: Step; channels: number } {
  const conv = scope.conv2d('0', 3, stem.channels, { kernel: stem.kernel, stride: 2 });
  const steps: Step[] = [(ops, x) => ops.conv2d(x, conv), relu];
  let { channels } = stem;
  for (const row of rows) {
    if (row === 'pool') steps.push(pool);
    else {
      steps.push(fire(scope.child(String(steps.length)), channels, row));
      channels = 2 * row[1];
    }
  }
  return { run: sequential(steps), channels };
}

const squeezenet =
  (shape: SqueezenetShape): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const { run, channels } = features(root.child('features'), shape);
      const conv = root.child('classifier').conv2d('1', channels, classes, { kernel: 1 });
      const classify = sequential([
        (ops, x) => ops.dropout(x, ops.dropoutOf(DROPOUT)),
        (ops, x) => ops.conv2d(x, conv),
        relu,
        (ops, x) => ops.adaptiveAvgPool2d(x, 1),
      ]);
      return module((ops, images: Tensor): Tensor => {
        let h = ops.keep(run(ops, images));
        h = ops.rebind(h, classify(ops, h));
        return ops.reshape(h, [h.shape[0]!, -1]);
      });
    });

/** SqueezeNet for image classification (torchvision). */
export const SQUEEZENETS: Readonly<Record<string, ClassifierConstructor>> = {
  squeezenet1_0: squeezenet(VERSION_1_0),
  squeezenet1_1: squeezenet(VERSION_1_1),
};
