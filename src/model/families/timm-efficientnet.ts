import { divisible } from '../modules/channels.js';
import { samePadding } from '../modules/convolution-norm.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { imageClassifier } from '../modules/image-classification.js';
import { poolAndFlatten } from '../modules/pooling.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { ConvolutionOptions, Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Expansion, kernel, first stride, channels, blocks of each stage of B0 (timm/models/efficientnet.py). */
const STAGES = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
] as const;
const STEM = 32;
const LAST = 1280;

/** Multiples of B0's widths and depths. */
const MULTIPLIERS: Readonly<Record<string, readonly [width: number, depth: number]>> = {
  efficientnet_b0: [1.0, 1.0],
  efficientnet_b1: [1.0, 1.1],
  efficientnet_b2: [1.1, 1.2],
  efficientnet_b3: [1.2, 1.4],
  efficientnet_b4: [1.4, 1.8],
  efficientnet_b5: [1.6, 2.2],
  efficientnet_b6: [1.8, 2.6],
  efficientnet_b7: [2.0, 3.1],
  efficientnet_b8: [2.2, 3.6],
  efficientnet_l2: [4.3, 5.3],
};

const silu: Step = (ops, x) => ops.siluInPlace(x);

interface Layer {
  conv: string;
  norm: string;
  channels: readonly [number, number];
  options: ConvolutionOptions;
  activates: boolean;
}

/** Convolution and `BatchNormAct2d`, whose activation works in place. */
function convolution(scope: Scope, { conv, norm, channels, options, activates }: Layer): Step {
  const padding = samePadding(options.kernel);
  const layer = scope.conv2d(conv, ...channels, { ...options, padding, bias: false });
  const normalisation = scope.batchNorm(norm, channels[1]);
  return (ops, x) => {
    const y = ops.rebind(x, ops.conv2d(x, layer));
    const z = ops.rebind(y, ops.batchNorm(y, normalisation));
    return activates ? ops.rebind(z, silu(ops, z)) : z;
  };
}

/** `SqueezeExcite` */
function squeezeExcite(scope: Scope, channels: number, squeezed: number): Step {
  const reduce = scope.conv2d('conv_reduce', channels, squeezed, { kernel: 1 });
  const expand = scope.conv2d('conv_expand', squeezed, channels, { kernel: 1 });
  return module((ops, x: Tensor): Tensor => {
    let gate = ops.keep(ops.mean(x, [2, 3], true));
    gate = ops.rebind(gate, ops.conv2d(gate, reduce));
    gate = ops.rebind(gate, silu(ops, gate));
    gate = ops.rebind(gate, ops.conv2d(gate, expand));
    return ops.mul(x, ops.sigmoid(gate));
  });
}

interface BlockSizes {
  from: number;
  to: number;
  expansion: number;
  kernel: number;
  stride: number;
}

/** `DepthwiseSeparableConv` where nothing is expanded. */
function separableLayers(scope: Scope, { from, to, kernel, stride }: BlockSizes): Step[] {
  const depthwise = { kernel, stride, groups: from };
  return [
    convolution(scope, { conv: 'conv_dw', norm: 'bn1', channels: [from, from], options: depthwise, activates: true }),
    squeezeExcite(scope.child('se'), from, Math.round(from * 0.25)),
    convolution(scope, {
      conv: 'conv_pw',
      norm: 'bn2',
      channels: [from, to],
      options: { kernel: 1 },
      activates: false,
    }),
  ];
}

/** `InvertedResidual` */
function invertedLayers(scope: Scope, { from, to, expansion, kernel, stride }: BlockSizes): Step[] {
  const wide = divisible(from * expansion);
  const depthwise = { kernel, stride, groups: wide };
  return [
    convolution(scope, {
      conv: 'conv_pw',
      norm: 'bn1',
      channels: [from, wide],
      options: { kernel: 1 },
      activates: true,
    }),
    convolution(scope, { conv: 'conv_dw', norm: 'bn2', channels: [wide, wide], options: depthwise, activates: true }),
    squeezeExcite(scope.child('se'), wide, Math.round(from * 0.25)),
    convolution(scope, {
      conv: 'conv_pwl',
      norm: 'bn3',
      channels: [wide, to],
      options: { kernel: 1 },
      activates: false,
    }),
  ];
}

function block(scope: Scope, sizes: BlockSizes): Step {
  const layers = sizes.expansion === 1 ? separableLayers(scope, sizes) : invertedLayers(scope, sizes);
  const adds = sizes.stride === 1 && sizes.from === sizes.to;
  return module((ops, shortcut: Tensor): Tensor => {
    const x = layers.reduce((h, layer) => ops.rebind(h, layer(ops, h)), shortcut);
    return adds ? ops.add(x, shortcut) : x;
  });
}

function stages(scope: Scope, stem: number, [width, depth]: readonly [number, number]): Step {
  let from = stem;
  return sequential(
    STAGES.map(([expansion, kernel, stride, channels, blocks], i) => {
      const inside = scope.child(String(i));
      const to = divisible(channels * width);
      const members = Array.from({ length: Math.ceil(blocks * depth) }, (_, j) => {
        const sizes = { from, to, expansion, kernel, stride: j === 0 ? stride : 1 };
        from = to;
        return block(inside.child(String(j)), sizes);
      });
      return sequential(members);
    }),
  );
}

const efficientnet =
  (multipliers: readonly [number, number]): ClassifierConstructor =>
  (name, classes) =>
    imageClassifier(name, (root) => {
      const [stem, last] = [divisible(STEM * multipliers[0]), divisible(LAST * multipliers[0])];
      const widest = divisible(STAGES[6][3] * multipliers[0]);
      const options = { kernel: 3, stride: 2 };
      const begin = convolution(root, {
        conv: 'conv_stem',
        norm: 'bn1',
        channels: [3, stem],
        options,
        activates: true,
      });
      const run = stages(root.child('blocks'), stem, multipliers);
      const head = { conv: 'conv_head', norm: 'bn2', channels: [widest, last] as const, options: { kernel: 1 } };
      const end = convolution(root, { ...head, activates: true });
      const classifier = root.linear('classifier', last, classes);
      const classify = module((ops, x: Tensor): Tensor => ops.linear(poolAndFlatten(ops, x), classifier));
      return module((ops, images: Tensor): Tensor => {
        let x = ops.rebind(images, begin(ops, images));
        x = ops.rebind(x, run(ops, x));
        return classify(ops, end(ops, x));
      });
    });

/** EfficientNet of timm, without dropout and drop path, which its constructors leave out. */
export const TIMM_EFFICIENTNETS: Readonly<Record<string, ClassifierConstructor>> = Object.fromEntries(
  Object.entries(MULTIPLIERS).map(([name, multipliers]) => [name, efficientnet(multipliers)]),
);
