import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { relu } from '../modules/convolution-norm.js';
import { segmentationModel } from '../modules/segmentation.js';
import type { Step } from '../modules/sequential.js';
import { sequential } from '../modules/sequential.js';
import type { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

const WIDTH = 64;
const DEPTH = 4;
const CLASSES = 2;

/** Twice a 3x3 convolution without bias, batch normalisation, ReLU in place. */
function doubleConvolution(scope: Scope, from: number, to: number): Step {
  const first = scope.conv2d('0', from, to, { kernel: 3, padding: 1, bias: false });
  const norm1 = scope.batchNorm('1', to);
  const second = scope.conv2d('3', to, to, { kernel: 3, padding: 1, bias: false });
  const norm2 = scope.batchNorm('4', to);
  return sequential([
    (ops, x) => ops.conv2d(x, first),
    (ops, x) => ops.batchNorm(x, norm1),
    relu,
    (ops, x) => ops.conv2d(x, second),
    (ops, x) => ops.batchNorm(x, norm2),
    relu,
  ]);
}

function contraction(scope: Scope, from: number, to: number): Step {
  const convolve = doubleConvolution(scope.child('1'), from, to);
  return sequential([(ops, x) => ops.maxPool2d(x, { kernel: 2, stride: 2, padding: 0, ceil: false }), convolve]);
}

interface Expansion {
  enlarge: Step;
  convolve: Step;
}

/** From the lowest resolution up. */
function expansions(root: Scope, widths: readonly number[]): Expansion[] {
  const targets = widths.slice(0, -1).reverse();
  const up = root.child('up');
  const enlargements = targets.map((width, i): Step => {
    const layer = up.convTranspose2d(String(i), 2 * width, width, { kernel: 2, stride: 2 });
    return (ops, x) => ops.convTranspose2d(x, layer);
  });
  const decoder = root.child('dec');
  return targets.map((width, i) => ({
    enlarge: enlargements[i]!,
    convolve: doubleConvolution(decoder.child(String(i)), 2 * width, width),
  }));
}

/** Contracts, keeping each map, and expands, joining the map of the same resolution. */
function forward(ops: Operations, images: Tensor, contract: readonly Step[], expand: readonly Expansion[]): Tensor {
  const maps: Tensor[] = [];
  for (const step of contract) maps.push(ops.keep(step(ops, maps[maps.length - 1] ?? images)));
  let y = maps.pop()!;
  for (const { enlarge, convolve } of expand) {
    const skip = maps.pop()!;
    const joined = ops.cat([skip, enlarge(ops, y)], 1);
    ops.drop(skip);
    y = ops.rebind(y, convolve(ops, joined));
  }
  return y;
}

/**
 * The common U-Net with transposed convolutions and batch normalisation. `config.base_channels` (64) is the width at full
 * resolution, `config.depth` (4) the number of halvings.
 */
export function unet(model: ResolvedModel): Architecture {
  const config = new ConfigReader(model);
  const base = config.size('base_channels', WIDTH);
  const depth = config.size('depth', DEPTH);
  const classes = config.size(['num_classes', 'num_labels'], CLASSES);
  if (depth > 10) throw config.unsupported(`a depth of ${depth} is not covered`);
  const widths = Array.from({ length: depth + 1 }, (_, level) => base * 2 ** level);
  return segmentationModel(model.name, (root) => {
    const begin = doubleConvolution(root.child('inc'), 3, base);
    const down = root.child('down');
    const contract = widths.slice(1).map((to, i) => contraction(down.child(String(i)), widths[i]!, to));
    const expand = expansions(root, widths);
    const last = root.conv2d('outc', base, classes, { kernel: 1 });
    const run = module((ops, images: Tensor): Tensor => {
      const y = forward(ops, images, [begin, ...contract], expand);
      return ops.conv2d(y, last);
    });
    return (ops, images) => [run(ops, images)];
  });
}
