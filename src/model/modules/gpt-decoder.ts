import { int64 } from '../dtype.js';
import type { Block, Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import { additiveCausalMask } from './additive-masks.js';
import type { DecoderBody } from './decoder-body.js';

/** A layer that returns its output and attention's probabilities in one tuple. */
export type TupleLayer = (ops: Operations, args: readonly Argument[]) => readonly [Tensor, Tensor | null];

/** `outputs = layer(...)`; `h = outputs[0]`: the probabilities of a layer live until the next one has returned. */
export function runLayers(
  ops: Operations,
  layers: readonly TupleLayer[],
  x: Tensor,
  around: readonly Argument[],
): Tensor {
  let h = x;
  let outputs: Tensor | null = null;
  for (const layer of layers) {
    const [next, weights] = layer(ops, [h, ...around]);
    if (weights !== null) ops.keep(weights);
    if (outputs !== null) ops.drop(outputs);
    outputs = weights;
    h = ops.rebind(h, next);
  }
  return h;
}

export interface GptDecoder {
  layers: number;
  hidden: number;
  vocabulary: number;
  /** Rows of a learned table of positions; null: positions are turned in. */
  positions: number | null;
  embeddingDropout: number;
}

/**
 * GPT-Neo, GPT-J and CodeGen without their heads: eager attention, which they have no SDPA for, and a float mask.
 * Layers get the input, the mask and the positions.
 */
export function gptDecoder(
  scope: Scope,
  config: GptDecoder,
  write: (block: Block, layer: number) => TupleLayer,
): DecoderBody {
  const { hidden, positions: rows } = config;
  const table = scope.embedding('wte', config.vocabulary, hidden);
  const positionTable = rows === null ? null : scope.embedding('wpe', rows, hidden);
  const layers = scope.child('h');
  const blocks = Array.from({ length: config.layers }, (_, i) => write(layers.block(String(i)), i));
  const finalNorm = scope.layerNorm('ln_f', hidden);

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const embeds = ops.keep(ops.embedding(ids, table));
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    const positionIds = ops.keep(ops.unsqueeze(positions, 0));
    const masked = ops.attention !== 'flash';
    const mask = masked ? ops.keep(additiveCausalMask(ops, attentionMask, positions, embeds.dtype)) : null;
    let h = ops.keep(
      positionTable === null ? embeds : ops.add(embeds, ops.keep(ops.embedding(positionIds, positionTable))),
    );
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.embeddingDropout)));
    h = runLayers(ops, blocks, h, [mask, positions]);
    h = ops.rebind(h, ops.layerNorm(h, finalNorm));
    return ops.view(h, [-1, ids.shape[1]!, hidden]);
  });
  return { table, run };
}
