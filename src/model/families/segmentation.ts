import type { Architecture } from '../definition.js';
import { relu } from '../modules/convolution-norm.js';
import type { PixelLogits } from '../modules/segmentation.js';
import { segmentationModel } from '../modules/segmentation.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import { mobilenetV3Features } from './mobilenet-v3.js';
import { RESNET_SHAPES, resnetStages } from './resnet.js';
import { deeplabHead, fcnHead, resizeLike } from './segmentation-heads.js';

export interface SegmentationOptions {
  classes: number;
  /** A second head on an earlier stage, in training only. */
  auxiliary: boolean;
}

export type SegmentationConstructor = (name: string, options: SegmentationOptions) => Architecture;

/** The map that the head reads, and an earlier one. */
interface Backbone {
  run: (ops: Operations, images: Tensor) => readonly [early: Tensor, last: Tensor];
  earlyChannels: number;
  channels: number;
}

type BackboneConstructor = (scope: Scope) => Backbone;
type HeadConstructor = (scope: Scope, from: number, classes: number) => Step;

/** `IntermediateLayerGetter`: runs all steps and gives back two of the maps. */
function stepsUpTo(steps: readonly Step[], early: number) {
  return module((ops, images: Tensor): [Tensor, Tensor] => {
    let x = ops.keep(images);
    let kept = x;
    steps.forEach((step, i) => {
      x = ops.rebind(x, step(ops, x));
      if (i === early) kept = ops.keep(x);
    });
    return [kept, x];
  });
}

/** Place of `layer3` among stem and stages. */
const EARLY_STAGE = 3;

const resnetBackbone =
  (name: string): BackboneConstructor =>
  (scope) => {
    const { stem, stages, width } = resnetStages(scope, RESNET_SHAPES[name]!, true);
    const first: Step = module((ops, images: Tensor) => stem(ops, images));
    return { run: stepsUpTo([first, ...stages], EARLY_STAGE), earlyChannels: width / 2, channels: width };
  };

/** Of MobileNetV3 large the map of the last block at an eighth of the resolution, and the last one. */
const EARLY_BLOCK = 4;
const EARLY_CHANNELS = 40;

const mobilenetBackbone: BackboneConstructor = (scope) => {
  const { steps, channels } = mobilenetV3Features(scope, 'large', true);
  return { run: stepsUpTo(steps, EARLY_BLOCK), earlyChannels: EARLY_CHANNELS, channels };
};

/** `_SimpleSegmentationModel` (torchvision/models/segmentation/_utils.py) */
function simpleModel(parts: { backbone: Backbone; head: Step; auxiliary: Step | null }): PixelLogits {
  const { backbone, head, auxiliary } = parts;
  return module((ops, images: Tensor): readonly Tensor[] => {
    const [early, last] = backbone.run(ops, images).map((map) => ops.keep(map)) as [Tensor, Tensor];
    const x = ops.keep(head(ops, last));
    const out = ops.rebind(x, resizeLike(ops, x, images));
    if (auxiliary === null) return [out];
    const y = ops.keep(auxiliary(ops, early));
    return [out, ops.rebind(y, resizeLike(ops, y, images))];
  });
}

const segmentation =
  (construct: BackboneConstructor, headOf: HeadConstructor): SegmentationConstructor =>
  (name, { classes, auxiliary }) =>
    segmentationModel(name, (root) => {
      const backbone = construct(root.child('backbone'));
      const head = headOf(root.child('classifier'), backbone.channels, classes);
      const second = auxiliary ? fcnHead(root.child('aux_classifier'), backbone.earlyChannels, classes) : null;
      return simpleModel({ backbone, head, auxiliary: second });
    });

const LITE_WIDTH = 128;

/** `LRASPPHead` (torchvision/models/segmentation/lraspp.py) */
function liteHead(scope: Scope, { earlyChannels, channels }: Backbone, classes: number) {
  const cbr = scope.child('cbr');
  const conv = cbr.conv2d('0', channels, LITE_WIDTH, { kernel: 1, bias: false });
  const norm = cbr.batchNorm('1', LITE_WIDTH);
  const convolve = sequential([(ops, x) => ops.conv2d(x, conv), (ops, x) => ops.batchNorm(x, norm), relu]);
  const gate = scope.child('scale').conv2d('1', channels, LITE_WIDTH, { kernel: 1, bias: false });
  const scale = sequential([
    (ops, x) => ops.adaptiveAvgPool2d(x, 1),
    (ops, x) => ops.conv2d(x, gate),
    (ops, x) => ops.sigmoid(x),
  ]);
  const lowClassifier = scope.conv2d('low_classifier', earlyChannels, classes, { kernel: 1 });
  const highClassifier = scope.conv2d('high_classifier', LITE_WIDTH, classes, { kernel: 1 });
  return module((ops, low: Tensor, high: Tensor): Tensor => {
    let x = ops.keep(convolve(ops, high));
    const factor = ops.keep(scale(ops, high));
    x = ops.rebind(x, ops.mul(x, factor));
    x = ops.rebind(x, resizeLike(ops, x, low));
    const coarse = ops.conv2d(low, lowClassifier);
    return ops.add(coarse, ops.conv2d(x, highClassifier));
  });
}

const liteSegmentation: SegmentationConstructor = (name, { classes }) =>
  segmentationModel(name, (root) => {
    const backbone = mobilenetBackbone(root.child('backbone'));
    const head = liteHead(root.child('classifier'), backbone, classes);
    return module((ops, images: Tensor): readonly Tensor[] => {
      const [low, high] = backbone.run(ops, images).map((map) => ops.keep(map)) as [Tensor, Tensor];
      const out = ops.keep(head(ops, low, high));
      return [ops.rebind(out, resizeLike(ops, out, images))];
    });
  });

/** Segmentation models of torchvision by constructor's name. */
export const SEGMENTATION_MODELS: Readonly<Record<string, SegmentationConstructor>> = {
  fcn_resnet50: segmentation(resnetBackbone('resnet50'), fcnHead),
  fcn_resnet101: segmentation(resnetBackbone('resnet101'), fcnHead),
  deeplabv3_resnet50: segmentation(resnetBackbone('resnet50'), deeplabHead),
  deeplabv3_resnet101: segmentation(resnetBackbone('resnet101'), deeplabHead),
  deeplabv3_mobilenet_v3_large: segmentation(mobilenetBackbone, deeplabHead),
  lraspp_mobilenet_v3_large: liteSegmentation,
};
