import { bool, int64 } from '../dtype.js';
import type { Linear, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Step } from './sequential.js';

export interface WindowAttentionOptions {
  width: number;
  heads: number;
  window: number;
  /** Pixels by which windows are shifted; 0: not at all. */
  shift: number;
}

/** Height and width of the (padded) map, and windows in it. */
interface Grid {
  batch: number;
  rows: number;
  columns: number;
  windows: number;
}

/** A table of biases, looked up for each pair of pixels of a window: [1, heads, pixels, pixels]. */
export function lookedUpBias(ops: Operations, table: Tensor, index: Tensor, pixels: number): Tensor {
  ops.enter([table, index]);
  const heads = table.shape[1]!;
  let bias = ops.keep(ops.index(table, [index], [pixels * pixels, heads]));
  bias = ops.rebind(bias, ops.view(bias, [pixels, pixels, heads]));
  bias = ops.rebind(bias, ops.unsqueeze(ops.contiguous(ops.permute(bias, [2, 0, 1])), 0));
  return ops.leave(bias);
}

/** `attn_mask`: pixels that came to share a window by shifting do not see each other; [windows, pixels, pixels]. */
function shiftMask(ops: Operations, { rows, columns, windows }: Grid, pixels: number, like: Tensor): Tensor {
  const { dtype } = like;
  let mask = ops.keep(ops.create('new_zeros', [rows, columns], dtype));
  mask = ops.rebind(mask, ops.derive('clone', [], [windows, pixels], dtype));
  mask = ops.rebind(mask, ops.derive('sub', [], [windows, pixels, pixels], dtype));
  const fill = (comparison: string, filled: Tensor): Tensor =>
    ops.derive('masked_fill', [ops.derive(comparison, [], mask.shape, bool), filled], mask.shape, dtype);
  return ops.rebind(mask, fill('eq', fill('ne', mask)));
}

/** Windows as sequences: [batch * windows, pixels, width]. */
function partition(ops: Operations, x: Tensor, { batch, rows, columns, windows }: Grid, window: number): Tensor {
  const width = x.shape[3]!;
  const tiles = ops.rebind(x, ops.view(x, [batch, rows / window, window, columns / window, window, width]));
  const apart = ops.permute(tiles, [0, 1, 3, 2, 4, 5]);
  return ops.rebind(tiles, ops.reshape(apart, [batch * windows, window * window, width]));
}

function joined(ops: Operations, x: Tensor, { batch, rows, columns }: Grid, window: number): Tensor {
  const width = x.shape[2]!;
  const tiles = ops.rebind(x, ops.view(x, [batch, rows / window, columns / window, window, window, width]));
  return ops.rebind(tiles, ops.reshape(ops.permute(tiles, [0, 1, 3, 2, 4, 5]), [batch, rows, columns, width]));
}

const gap = (size: number, window: number): number => (window - (size % window)) % window;

function scaledScores(ops: Operations, query: Tensor, key: Tensor): Tensor {
  const scaled = ops.rebind(query, ops.mulScalar(query));
  return ops.keep(ops.matmul(scaled, ops.transpose(key, 2, 3)));
}

function masked(ops: Operations, scores: Tensor, grid: Grid): Tensor {
  const [sequences, heads, pixels] = scores.shape as readonly [number, number, number];
  const mask = shiftMask(ops, grid, pixels, scores);
  const byImage = [sequences / grid.windows, grid.windows, heads, pixels, pixels];
  const viewed = ops.rebind(scores, ops.view(scores, byImage));
  const sum = ops.rebind(viewed, ops.add(viewed, ops.unsqueeze(ops.unsqueeze(mask, 1), 0)));
  return ops.rebind(sum, ops.view(sum, [-1, heads, pixels, pixels]));
}

interface WindowLayers {
  qkv: Linear;
  proj: Linear;
  heads: number;
}

/** What is added to the scores of pairs of pixels: a bias and, where windows are shifted, a mask. */
interface PairTerms {
  bias: Tensor;
  shifted: Grid | null;
}

/** Attention within each window of [windows, pixels, width]. */
function attendWindows(ops: Operations, x: Tensor, layers: WindowLayers, pairs: PairTerms): Tensor {
  const { heads } = layers;
  const [sequences, pixels, width] = x.shape as readonly [number, number, number];
  const projected = ops.keep(ops.linear(x, layers.qkv));
  const apart = ops.permute(ops.reshape(projected, [sequences, pixels, 3, heads, width / heads]), [2, 0, 3, 1, 4]);
  const qkv = ops.rebind(projected, apart);
  const [query, key, value] = [0, 1, 2].map(() => ops.keep(ops.select(qkv, 0))) as [Tensor, Tensor, Tensor];
  let scores = scaledScores(ops, query, key);
  scores = ops.rebind(scores, ops.add(scores, pairs.bias));
  if (pairs.shifted !== null) scores = masked(ops, scores, pairs.shifted);
  scores = ops.rebind(scores, ops.softmax(scores));
  scores = ops.rebind(scores, ops.dropout(scores, ops.dropoutOf(0)));
  const context = ops.transpose(ops.matmul(scores, value), 1, 2);
  const attended = ops.rebind(x, ops.reshape(context, [sequences, pixels, width]));
  const out = ops.rebind(attended, ops.linear(attended, layers.proj));
  return ops.rebind(out, ops.dropout(out, ops.dropoutOf(0)));
}

/** `shifted_window_attention` over a map [batch, height, width, channels]. */
function windowed(window: number, shift: number, layers: WindowLayers) {
  return module((ops, input: Tensor, bias: Tensor): Tensor => {
    const [batch, height, width] = input.shape as readonly [number, number, number];
    const [right, below] = [gap(width, window), gap(height, window)];
    const [rows, columns] = [height + below, width + right];
    const grid = { batch, rows, columns, windows: (rows / window) * (columns / window) };
    const shifts = shift > 0 && (window < rows || window < columns);
    let x = ops.keep(ops.pad(input, [0, 0, 0, right, 0, below]));
    if (shifts) x = ops.rebind(x, ops.roll(x));
    x = partition(ops, x, grid, window);
    x = attendWindows(ops, x, layers, { bias, shifted: shifts ? grid : null });
    x = joined(ops, x, grid, window);
    if (shifts) x = ops.rebind(x, ops.roll(x));
    return ops.contiguous(ops.slice(ops.slice(x, 1, 0, height), 2, 0, width));
  });
}

/** torchvision's `ShiftedWindowAttention`, the first version. */
export function shiftedWindowAttention(scope: Scope, options: WindowAttentionOptions): Step {
  const { width, heads, window, shift } = options;
  const table = scope.parameter('relative_position_bias_table', [(2 * window - 1) ** 2, heads]);
  const index = scope.buffer('relative_position_index', [window ** 4], int64);
  const qkv = scope.linear('qkv', width, 3 * width);
  const proj = scope.linear('proj', width, width);
  const attend = windowed(window, shift, { qkv, proj, heads });
  return module((ops, x: Tensor): Tensor => {
    const bias = ops.keep(lookedUpBias(ops, ops.parameter(table), ops.buffer(index), window ** 2));
    return attend(ops, x, bias);
  });
}
