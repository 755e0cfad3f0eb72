/** A family of models as people begin with it, and the sizes over which its memory is told. */
export interface FamilyOfPage {
  title: string;
  /** What the run declares. */
  run: Readonly<Record<string, unknown>>;
  batches: readonly number[];
  /** Of images [height, width], or of sequences. */
  sizes: readonly Size[];
}

export type Size = readonly [height: number, width: number] | number;

const SGD = { name: 'sgd', momentum: 0.9, weightDecay: 0.0001 };
const ADAMW = { name: 'adamw', weightDecay: 0.01 };

const classifier = (title: string, model: string, size: number, sizes: readonly number[]): FamilyOfPage => ({
  title,
  run: { model, task: 'image-classification', imageSize: [size, size], optimizer: SGD },
  batches: [8, 16, 32, 64, 128, 256],
  sizes: sizes.map((side) => [side, side] as const),
});

const detector = (title: string, model: string, size: Size, sizes: readonly Size[]): FamilyOfPage => ({
  title,
  run: { model, task: 'detection', imageSize: size, optimizer: SGD },
  batches: [1, 2, 4, 8, 16],
  sizes,
});

/** In the order of the page: from the smallest to what asks for a large card. */
export const FAMILIES_OF_PAGE: readonly FamilyOfPage[] = [
  classifier('ResNet-50', 'torchvision/resnet50', 224, [128, 224, 384]),
  classifier('VGG-16', 'torchvision/vgg16', 224, [128, 224, 384]),
  classifier('EfficientNet-B4', 'torchvision/efficientnet_b4', 380, [224, 380, 512]),
  classifier('Inception-ResNet-v2', 'timm/inception_resnet_v2', 299, [224, 299, 448]),
  detector(
    'SSDlite, MobileNetV2',
    'ssdlite_mobilenetv2-scratch_8xb24-600e_coco',
    [320, 320],
    [
      [320, 320],
      [512, 512],
    ],
  ),
  detector(
    'YOLOX-S',
    'yolox_s_8xb8-300e_coco',
    [640, 640],
    [
      [416, 416],
      [640, 640],
      [800, 800],
    ],
  ),
  detector(
    'Faster R-CNN, ResNet-50 FPN',
    'faster-rcnn_r50_fpn_1x_coco',
    [800, 1333],
    [
      [480, 800],
      [800, 1333],
      [1024, 1706],
    ],
  ),
  detector(
    'Mask R-CNN, ResNet-50 FPN',
    'mask_rcnn_R_50_FPN',
    [800, 1333],
    [
      [480, 800],
      [800, 1333],
      [1024, 1706],
    ],
  ),
  {
    title: 'LSTM language model, 2 layers of 650',
    run: { model: 'ptb-lstm-medium', task: 'causal-lm', sequenceLength: 35, optimizer: { name: 'sgd' } },
    batches: [20, 64, 128, 256, 512],
    sizes: [35, 128, 512],
  },
  {
    title: 'BERT base',
    run: {
      model: 'google-bert/bert-base-uncased',
      task: 'sequence-classification',
      sequenceLength: 512,
      optimizer: ADAMW,
    },
    batches: [4, 8, 16, 32, 64],
    sizes: [128, 256, 512],
  },
  {
    title: 'GPT-2, 124 million parameters',
    run: { model: 'openai-community/gpt2', task: 'causal-lm', sequenceLength: 1024, optimizer: ADAMW },
    batches: [1, 2, 4, 8, 16],
    sizes: [256, 512, 1024],
  },
];
