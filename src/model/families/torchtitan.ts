import { completeArchitecture, input } from '../definition.js';
import type { Architecture } from '../definition.js';
import { float32 } from '../dtype.js';
import type { Block, Buffer, Linear, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import { splitEvenly } from '../modules/split-layers.js';
import { tokenInputs } from '../modules/text-inputs.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { RankView } from '../rank-view.js';
import type { ResolvedModel } from '../resolved-model.js';
import { readDecoderSizes } from './llama-config.js';

type Decoder = ReturnType<typeof readDecoderSizes>;

/** What layers of a rank have of the model's sizes. */
interface Local extends Decoder {
  view: RankView;
  localHeads: number;
  localKeyValueHeads: number;
}

/** The whole sequence, where a rank has a part of it between split layers. */
const whole = (ops: Operations, x: Tensor, { view }: Local): Tensor =>
  view.tensor > 1 ? ops.allGather(x, 1, view.tensor) : x;

/** Sums of all ranks, of which each rank keeps its part of the sequence. */
const partOfSum = (ops: Operations, x: Tensor, { view }: Local): Tensor =>
  view.tensor > 1 ? ops.reduceScatter(x, 1, view.tensor) : x;

/** `apply_rotary_emb` of one of query and key: a product of complex numbers in fp32. */
const rotated = (ops: Operations, x: Tensor, angles: Tensor): Tensor =>
  ops.to(ops.mul(ops.to(x, float32), angles), x.dtype);

/** Each key and value head once for every query head that shares it. */
function repeated(ops: Operations, x: Tensor, times: number): Tensor {
  if (times === 1) return x;
  const [batch, length, heads, size] = x.shape as readonly [number, number, number, number];
  const expanded = ops.expand(ops.unsqueeze(x, 3), [batch, length, heads, times, size]);
  return ops.reshape(expanded, [batch, length, heads * times, size]);
}

function attention(scope: Scope, config: Local) {
  const { hidden, headSize, view, localHeads, localKeyValueHeads } = config;
  const bias = config.queryKeyValueBias;
  const query = scope.linear('wq', hidden, localHeads * headSize, { bias });
  const key = scope.linear('wk', hidden, localKeyValueHeads * headSize, { bias });
  const value = scope.linear('wv', hidden, localKeyValueHeads * headSize, { bias });
  const output = scope.linear('wo', localHeads * headSize, hidden, { bias: false });
  const norms =
    config.headNorms === null ? null : ['q_norm', 'k_norm'].map((name) => config.norm(scope, name, [headSize]));

  return module((ops, x: Tensor, angles: Tensor): Tensor => {
    const input = ops.keep(whole(ops, x, config));
    const heads = (layer: Linear): Tensor => {
      const projected = ops.linear(input, layer);
      return ops.view(projected, [input.shape[0]!, input.shape[1]!, layer.outFeatures / headSize, headSize]);
    };
    let q = ops.keep(heads(query));
    let k = ops.keep(heads(key));
    const v = ops.keep(heads(value));
    if (norms !== null) {
      q = ops.rebind(q, norms[0]!(ops, q));
      k = ops.rebind(k, norms[1]!(ops, k));
    }
    const turns = ops.keep(ops.view(angles, [1, angles.shape[0]!, 1, headSize]));
    q = ops.rebind(q, rotated(ops, q, turns));
    k = ops.rebind(k, rotated(ops, k, turns));
    const times = localHeads / localKeyValueHeads;
    const [keys, values] = [ops.keep(repeated(ops, k, times)), ops.keep(repeated(ops, v, times))];
    const [tq, tk, tv] = [q, keys, values].map((part) => ops.transpose(part, 1, 2)) as [Tensor, Tensor, Tensor];
    const attended = attend(ops, [tq, tk, tv], view);
    const joined = ops.keep(ops.reshape(ops.contiguous(ops.transpose(attended, 1, 2)), [q.shape[0]!, q.shape[1]!, -1]));
    return partOfSum(ops, ops.linear(joined, output), config);
  });
}

/** With a part of the sequence on each rank, keys and values of the others come round (ring attention). */
function attend(ops: Operations, [q, k, v]: readonly [Tensor, Tensor, Tensor], { context }: RankView): Tensor {
  if (context === 1) return ops.scaledDotProductAttention(q, k, v, { causal: true, dropout: 0 });
  return ops.ringAttention(q, k, v, context);
}

function feedForward(scope: Scope, config: Local) {
  const { hidden, intermediate, view } = config;
  const width = splitEvenly(intermediate, view.tensor);
  const gate = scope.linear('w1', hidden, width, { bias: false });
  const down = scope.linear('w2', width, hidden, { bias: false });
  const up = scope.linear('w3', hidden, width, { bias: false });
  return module((ops, x: Tensor): Tensor => {
    const input = ops.keep(whole(ops, x, config));
    const product = ops.mul(ops.silu(ops.linear(input, gate)), ops.linear(input, up));
    return partOfSum(ops, ops.linear(product, down), config);
  });
}

function transformerBlock(block: Block, config: Local) {
  const { scope } = block;
  const attend = attention(scope.child('attention'), config);
  const feed = feedForward(scope.child('feed_forward'), config);
  const attentionNorm = config.norm(scope, 'attention_norm', [config.hidden]);
  const feedNorm = config.norm(scope, 'ffn_norm', [config.hidden]);
  return (ops: Operations, x: Tensor, angles: Tensor): Tensor =>
    ops.block(block, [x, angles], ([given, turns]) => {
      const h = ops.keep(ops.add(given!, attend(ops, attentionNorm(ops, given!), turns!)));
      return ops.add(h, feed(ops, feedNorm(ops, h)));
    });
}

/** The table of embeddings; with split layers each rank has some rows, looks up what it has, and sums with the others. */
function embedded(ops: Operations, ids: Tensor, table: Parameter, config: Local): Tensor {
  return partOfSum(ops, ops.embedding(ids, table), config);
}

/** A decoder of Llama's kind as torchtitan writes it (torchtitan/models/llama3/model.py and parallelize.py of 2025). */
export function torchtitanDecoder(model: ResolvedModel, view: RankView): Architecture {
  const config = readDecoderSizes(model);
  const local: Local = {
    ...config,
    view,
    localHeads: splitEvenly(config.heads, view.tensor),
    localKeyValueHeads: splitEvenly(config.keyValueHeads, view.tensor),
  };
  const root = Scope.root();
  const vocabulary = splitEvenly(config.vocabulary, view.tensor);
  const table = root.embedding('tok_embeddings', vocabulary, config.hidden);
  const layers = root.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => transformerBlock(layers.block(String(i)), local));
  const norm = config.norm(root, 'norm', [config.hidden]);
  const tiedTo = config.tied ? table : undefined;
  const head = root.linear('output', config.hidden, vocabulary, { bias: false, tiedTo });
  const angles = rotaryAngles(root, config);

  const forward = module((ops, ids: Tensor): Tensor => {
    let h = ops.keep(embedded(ops, ids, table, local));
    const turns = ops.keep(ops.slice(ops.buffer(angles), 0, 0, ids.shape[1]!));
    for (const block of blocks) h = ops.rebind(h, block(ops, h, turns));
    h = ops.rebind(h, norm(ops, h));
    return ops.linear(whole(ops, h, local), head);
  });
  const step = module((ops, ids: Tensor, labels: Tensor): [Tensor, Tensor] => {
    const logits = ops.keep(forward(ops, ids));
    const rows = ops.view(logits, [-1, logits.shape[2]!]);
    return [ops.loss(() => ops.crossEntropy(ops.to(rows, float32), ops.view(labels, [-1]))), logits];
  });
  return completeArchitecture({
    name: model.name,
    task: 'causal-lm',
    root,
    inputTable: table,
    inputs: (sizes) => tokenInputs({ ...sizes, sequence: splitEvenly(sizes.sequence, view.context) }).filter(isUsed),
    forward: (ops, batch) => {
      const [loss, logits] = step(ops, input(batch, 'input_ids'), input(batch, 'labels'));
      return { loss, outputs: [logits] };
    },
  });
}

const isUsed = ({ name }: { name: string }): boolean => name !== 'attention_mask';

/** Longest sequence that Llama 3's table of angles is made for, where the configuration is silent. */
const LONGEST = 131_072;

/** `freqs_cis`: a complex number for each position and pair of a head. */
const rotaryAngles = (root: Scope, { headSize }: Decoder): Buffer =>
  root.buffer('freqs_cis', [LONGEST, headSize], float32);
