import { int64 } from '../../model/dtype.js';
import type { Linear, Parameter, Shape } from '../../model/module-tree.js';
import type { RunValues } from '../../run/training-run.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { to, unary } from '../operations/elementwise.js';
import { embedding, indexCopy } from '../operations/indexing.js';
import { linear } from '../operations/matrix.js';
import { UNARY } from '../operations/unary.js';
import { cat, expand, slice } from '../operations/views.js';

/** What is trained before the first layer: a learned prompt, the network that makes one, or rows of the table. */
export interface InputAdapter {
  /** The table of the input embeddings that it changes. */
  table: Parameter;
  trained: readonly EngineTensor[];
  /** The input embeddings of these tokens; a learned prompt's places are among them. */
  embed: (engine: Engine, indices: EngineTensor, table: EngineTensor) => EngineTensor;
}

/** Tokens of a learned prompt where nothing says how many (peft's examples). */
const VIRTUAL_TOKENS = 20;
/** Rows of the table that are trained where nothing says how many. */
const TRAINED_ROWS = 2;

/** Tokens that a method puts before each sequence. */
export const virtualTokens = ({ method, rank }: RunValues['peft']): number =>
  method === 'prompt' || method === 'p-tuning' ? (rank ?? VIRTUAL_TOKENS) : 0;

/** Places a parameter of a shape. */
type Place = (shape: Shape) => EngineTensor;

/** Places what a method trains at the model's input; null where it trains nothing there. */
export function placeInputAdapter(
  peft: RunValues['peft'],
  table: Parameter | undefined,
  place: Place,
): InputAdapter | null {
  if (table === undefined) return null;
  if (peft.method === 'trainable-tokens')
    return trainedRows(table, place([peft.rank ?? TRAINED_ROWS, table.shape[1]!]));
  const tokens = virtualTokens(peft);
  return tokens === 0 ? null : learnedPrompt(table, tokens, { place, encoded: peft.method === 'p-tuning' });
}

/** `TrainableTokensLayer`: the trained rows are written into a copy of the whole table, which is looked up. */
function trainedRows(table: Parameter, rows: EngineTensor): InputAdapter {
  const embed: InputAdapter['embed'] = (engine, indices, whole) => {
    const places = engine.empty([rows.shape[0]!], int64, operation('tensor'));
    const written = indexCopy(engine, whole, places, to(engine, rows, whole.dtype));
    const looked = embedding(engine, indices, written);
    engine.consume(written);
    return looked;
  };
  return { table, trained: [rows], embed };
}

type Head = (engine: Engine, prompt: EngineTensor) => EngineTensor;

/** `PromptEmbedding`, or `PromptEncoder` with its three layers: looked up for each sequence and put before its tokens. */
function learnedPrompt(
  table: Parameter,
  tokens: number,
  { place, encoded }: { place: Place; encoded: boolean },
): InputAdapter {
  const width = table.shape[1]!;
  const prompt = place([tokens, width]);
  const layers = encoded ? [0, 1, 2].map(() => [place([width, width]), place([width])] as const) : [];
  const encode: Head = (engine, rows) =>
    layers.reduce((x, [weight, bias], i) => {
      const layer = { inFeatures: width, outFeatures: width, transposed: false } as Linear;
      const input = i === 0 ? x : unary(engine, x, UNARY.relu);
      return linear(engine, input, layer, { weight, bias });
    }, rows);
  const embed: InputAdapter['embed'] = (engine, indices, whole) => {
    const [batch, length] = indices.shape as readonly [number, number];
    const rows = engine.hold(embedding(engine, slice(engine, indices, 1, [0, length - tokens]), whole));
    // The mask and the labels of the virtual tokens are left out: a few bytes for each.
    const numbers = expand(engine, engine.empty([1, tokens], int64, operation('to_copy')), [batch, tokens]);
    const looked = encode(engine, embedding(engine, numbers, prompt));
    const out = cat(engine, [to(engine, looked, rows.dtype), rows], 1);
    engine.release(rows);
    return out;
  };
  return { table, trained: [prompt, ...layers.flat()], embed };
}
