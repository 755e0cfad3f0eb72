import { relu } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';
import { VGG_FEATURES, VGG_STAGES, vggFeatures } from './vgg.js';

const HIDDEN = 4096;
const KERNEL = 7;

/** `ConvMlp` (timm/models/vgg.py): the hidden layers as convolutions; smaller maps are enlarged to the kernel first. */
function convolutionalMlp(scope: Scope): Step {
  const first = scope.conv2d('fc1', VGG_FEATURES, HIDDEN, { kernel: KERNEL });
  const second = scope.conv2d('fc2', HIDDEN, HIDDEN, { kernel: 1 });
  return module((ops, input: Tensor): Tensor => {
    const small = input.shape[2]! < KERNEL || input.shape[3]! < KERNEL;
    let x = small ? ops.keep(ops.adaptiveAvgPool2d(input, KERNEL)) : input;
    x = ops.rebind(x, ops.conv2d(x, first));
    x = ops.rebind(x, relu(ops, x));
    x = ops.rebind(x, ops.dropout(x, ops.dropoutOf(0)));
    x = ops.rebind(x, ops.conv2d(x, second));
    return relu(ops, x);
  });
}

const vgg =
  (stages: readonly number[], normalises: boolean): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const convolve = vggFeatures(root.child('features'), stages, normalises);
      const hidden = convolutionalMlp(root.child('pre_logits'));
      const classifier = root.child('head').linear('fc', HIDDEN, classes);
      const classify = module((ops, x: Tensor): Tensor => ops.linear(poolAndFlatten(ops, x), classifier));
      return module((ops, images: Tensor): Tensor => {
        let x = ops.keep(convolve(ops, images));
        x = ops.rebind(x, hidden(ops, x));
        return classify(ops, x);
      });
    });

/** VGG of timm, with and without batch normalisation. */
export const TIMM_VGGS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(VGG_STAGES).flatMap(([name, stages]) => [
    [name, vgg(stages, false)],
    [`${name}_bn`, vgg(stages, true)],
  ]),
);
