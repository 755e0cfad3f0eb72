import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture, input } from '../definition.js';
import { bool, int64 } from '../dtype.js';
import { geluNew } from '../modules/activations.js';
import type { Block, Normalisation, Scope } from '../module-tree.js';
import { Scope as ModuleScope } from '../module-tree.js';
import { tokenInputs } from '../modules/text-inputs.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface PlainGptConfig {
  layers: number;
  hidden: number;
  heads: number;
  inner: number;
  vocabulary: number;
  positions: number;
  dropout: number;
  tied: boolean;
}

function read(model: ResolvedModel): PlainGptConfig {
  const config = new ConfigReader(model);
  const hidden = config.size(['n_embd', 'hidden_size'], 768);
  return {
    layers: config.size(['n_layer', 'num_hidden_layers'], 12),
    hidden,
    heads: config.size(['n_head', 'num_attention_heads'], 12),
    inner: config.size(['n_inner', 'intermediate_size'], 4 * hidden),
    vocabulary: config.size('vocab_size', 50257),
    positions: config.size(['n_positions', 'max_position_embeddings'], 1024),
    dropout: config.number('resid_pdrop', 0.1),
    tied: config.flag('tie_word_embeddings', true),
  };
}

/** Scripts that write attention by hand write norms and activations by hand too, unless they are said to be kernels. */
const isWrittenOut = (ops: Operations): boolean => ops.attention === 'eager' && !ops.kernels.has('fused-norms');

/** `nn.LayerNorm`, or `scale * (x - mean) / sqrt(var + eps) + shift`, operation by operation. */
function layerNorm(ops: Operations, x: Tensor, layer: Normalisation): Tensor {
  return isWrittenOut(ops) ? writtenOutNorm(ops, x, layer) : ops.layerNorm(x, layer);
}

function writtenOutNorm(ops: Operations, x: Tensor, { weight, bias }: Normalisation): Tensor {
  ops.enter([x]);
  const mean = ops.keep(ops.mean(x, [-1], true));
  const variance = ops.keep(ops.variance(x, [2], true));
  const centred = ops.sub(x, mean);
  const normed = ops.keep(ops.div(centred, ops.sqrt(ops.addScalar(variance))));
  const scaled = weight === null ? normed : ops.mul(ops.parameter(weight), normed);
  return ops.leave(bias === null ? scaled : ops.add(scaled, ops.parameter(bias)));
}

/** Scores, mask in place, scaling, softmax and dropout, each an operation in the type of the queries. */
function writtenOutAttention(ops: Operations, [q, k, v]: Heads, dropout: number): Tensor {
  ops.enter([q, k, v]);
  const length = q.shape[2]!;
  let scores = ops.keep(ops.matmul(q, ops.transpose(k, 2, 3)));
  const mask = ops.keep(ops.derive('triu', [], [length, length], bool));
  scores = ops.rebind(scores, ops.maskedFillInPlace(scores, mask));
  let weights = ops.keep(ops.softmax(ops.mulScalar(scores)));
  weights = ops.rebind(weights, ops.dropout(weights, dropout));
  return ops.leave(ops.matmul(weights, v));
}

type Heads = readonly [Tensor, Tensor, Tensor];

function attention(scope: Scope, { hidden, heads, dropout }: PlainGptConfig) {
  const project = scope.linear('c_attn', hidden, 3 * hidden);
  const output = scope.linear('c_proj', hidden, hidden);
  return module((ops, x: Tensor): Tensor => {
    const [batch, length] = x.shape as readonly [number, number];
    const intoHeads = (part: Tensor): Tensor =>
      ops.keep(ops.transpose(ops.view(part, [batch, length, heads, hidden / heads]), 1, 2));
    const [q, k, v] = ops.split(ops.linear(x, project), [hidden, hidden, hidden], 2).map(intoHeads) as [
      Tensor,
      Tensor,
      Tensor,
    ];
    const probability = ops.dropoutOf(dropout);
    const attended =
      ops.attention === 'eager'
        ? writtenOutAttention(ops, [q, k, v], probability)
        : ops.scaledDotProductAttention(q, k, v, { causal: true, dropout: probability });
    const rows = ops.keep(ops.view(ops.contiguous(ops.transpose(attended, 1, 2)), [batch, length, hidden]));
    return ops.rebind(rows, ops.linear(rows, output));
  });
}

function feedForward(scope: Scope, { hidden, inner }: PlainGptConfig) {
  const expand = scope.linear('c_fc', hidden, inner);
  const project = scope.linear('c_proj', inner, hidden);
  return module((ops, x: Tensor): Tensor => {
    const h = ops.keep(ops.linear(x, expand));
    const active = ops.rebind(h, isWrittenOut(ops) ? geluNew(ops, h) : ops.gelu(h));
    return ops.rebind(active, ops.linear(active, project));
  });
}

function transformerBlock(block: Block, config: PlainGptConfig) {
  const { scope } = block;
  const norm1 = scope.layerNorm('ln_1', config.hidden);
  const attend = attention(scope.child('attn'), config);
  const norm2 = scope.layerNorm('ln_2', config.hidden);
  const feed = feedForward(scope.child('mlp'), config);
  return (ops: Operations, x: Tensor): Tensor =>
    ops.block(block, [x], ([residual]) => {
      const dropped = (part: Tensor): Tensor => ops.dropout(part, ops.dropoutOf(config.dropout));
      const h = ops.keep(ops.add(dropped(attend(ops, layerNorm(ops, residual!, norm1))), residual!));
      return ops.add(dropped(feed(ops, layerNorm(ops, h, norm2))), h);
    });
}

/**
 * A GPT that a script writes itself of PyTorch's own modules, as nanoGPT and the books that build one do: a merged
 * projection, `F.scaled_dot_product_attention` or attention by hand, `nn.LayerNorm`, `nn.GELU`, and `F.cross_entropy` of
 * the logits in the type that they have. The targets are a tensor of their own, so that nothing is shifted.
 */
export function plainGpt(model: ResolvedModel): Architecture {
  const config = read(model);
  const { hidden, vocabulary, positions, layers, tied } = config;
  const root = ModuleScope.root();
  const table = root.embedding('wte', vocabulary, hidden);
  const positionTable = root.embedding('wpe', positions, hidden);
  const stack = root.child('h');
  const blocks = Array.from({ length: layers }, (_, i) => transformerBlock(stack.block(String(i)), config));
  const finalNorm = root.layerNorm('ln_f', hidden);
  const head = root.linear('lm_head', hidden, vocabulary, { bias: false, ...(tied ? { tiedTo: table } : {}) });

  const forward = module((ops, ids: Tensor): Tensor => {
    const tokens = ops.keep(ops.embedding(ids, table));
    const places = ops.keep(ops.embedding(ops.create('arange', [ids.shape[1]!], int64), positionTable));
    let h = ops.keep(ops.dropout(ops.add(tokens, places), ops.dropoutOf(config.dropout)));
    for (const block of blocks) h = ops.rebind(h, block(ops, h));
    return ops.rebind(h, ops.linear(layerNorm(ops, h, finalNorm), head));
  });
  const step = module((ops, ids: Tensor, labels: Tensor): [Tensor, Tensor] => {
    const logits = ops.keep(forward(ops, ids));
    const rows = ops.reshape(logits, [-1, vocabulary]);
    return [ops.loss(() => ops.crossEntropy(rows, ops.reshape(labels, [-1]))), logits];
  });
  return completeArchitecture({
    name: model.name,
    task: 'causal-lm',
    root,
    inputTable: table,
    inputs: (sizes) => tokenInputs(sizes).filter(({ name }) => name !== 'attention_mask'),
    forward: (ops, batch) => {
      const [loss, logits] = step(ops, input(batch, 'input_ids'), input(batch, 'labels'));
      return { loss, outputs: [logits] };
    },
  });
}
