import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { float32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { olderCausalMask } from '../modules/additive-masks.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { keepRotaryTable } from '../modules/decoder-start.js';
import { runLayers } from '../modules/gpt-decoder.js';
import { applyRotary } from '../modules/rotary.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';
import { falconRwDecoder, readFalconRw } from './falcon-rw.js';

interface FalconConfig {
  layers: number;
  hidden: number;
  heads: number;
  keyValueHeads: number;
  intermediate: number;
  vocabulary: number;
  /** Falcon-40B's way: groups of query heads, each with a key and a value head beside them. */
  grouped: boolean;
  /** A norm for each of the two branches. */
  twoNorms: boolean;
  /** Positions are biases of the scores in place of angles (Falcon-RW). */
  biased: boolean;
  tied: boolean;
  dropout: number;
  act: Activation;
}

function read(model: ResolvedModel): FalconConfig {
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size', 4544);
  const heads = config.size('num_attention_heads', 71);
  const multiQuery = config.flag('multi_query', config.size('num_key_value_heads', 1) < heads);
  const biased = config.flag('alibi', false) || !(multiQuery || config.flag('new_decoder_architecture', false));
  const catalogued = config.has('num_key_value_heads') && config.size('num_key_value_heads') > 1;
  const grouped = config.flag('new_decoder_architecture', catalogued);
  return {
    layers: config.size('num_hidden_layers', 32),
    hidden,
    heads,
    keyValueHeads: grouped ? config.size(['num_kv_heads', 'num_key_value_heads'], heads) : 1,
    intermediate: config.size(['ffn_hidden_size', 'intermediate_size'], 4 * hidden),
    vocabulary: config.size('vocab_size', 65024),
    grouped,
    twoNorms: grouped && config.size(['num_ln_in_parallel_attn', 'norms_per_layer'], 2) === 2,
    biased,
    tied: config.flag('tie_word_embeddings', true),
    dropout: config.number('hidden_dropout', 0),
    act: activation(config.text(['activation', 'hidden_act'], 'gelu')),
  };
}

/** FalconLinear: `x @ weight.T`. */
const UNBIASED = { bias: false, castAnew: true };

/** `x[:, ..., [i]]`: a copy, by an index made on the device. */
function pick(ops: Operations, x: Tensor, dim: number): Tensor {
  const shape = x.shape.map((size, i) => (i === dim ? 1 : size));
  return ops.index(x, [ops.create('to_copy', [1], int64)], shape);
}

type Heads = readonly [query: Tensor, key: Tensor, value: Tensor];

/** `_split_heads` of one key and value head for all: [batch, length, heads, head size]. */
function splitShared(ops: Operations, fused: Tensor, { heads, hidden }: FalconConfig): Heads {
  ops.enter([fused]);
  const [batch, length] = fused.shape as readonly [number, number];
  const rows = ops.keep(ops.view(fused, [batch, length, heads + 2, hidden / heads]));
  return ops.leave([ops.slice(rows, 2, 0, heads), pick(ops, rows, 2), pick(ops, rows, 2)]);
}

/** `_split_heads` of groups: keys and values are copied for each query head of their group. */
function splitGroups(ops: Operations, fused: Tensor, config: FalconConfig): Heads {
  ops.enter([fused]);
  const { heads, hidden, keyValueHeads } = config;
  const [batch, length] = fused.shape as readonly [number, number];
  const group = heads / keyValueHeads;
  const rows = ops.keep(ops.view(fused, [batch, length, keyValueHeads, group + 2, hidden / heads]));
  const query = ops.keep(ops.slice(rows, 3, 0, group));
  const [key, value] = [ops.keep(pick(ops, rows, 3)), ops.keep(pick(ops, rows, 3))];
  const flat = [query, ops.expand(key, query.shape), ops.expand(value, query.shape)].map((x) =>
    ops.keep(ops.reshape(x, [batch, length, heads, hidden / heads])),
  );
  return ops.leave(flat as unknown as Heads);
}

/** Scores divided and masked in the model's own Python: the attended heads and the probabilities. */
function eager(ops: Operations, [query, key, value]: Heads, mask: Tensor, x: Tensor): [Tensor, Tensor] {
  const product = ops.matmul(query, ops.transpose(key, 2, 3));
  const scores = ops.keep(ops.mulScalarInPlace(product));
  const probabilities = ops.rebind(scores, ops.softmax(ops.add(scores, mask), x.dtype));
  return [ops.matmul(probabilities, value), probabilities];
}

/** What every layer is given beside its input. */
interface Around {
  mask: Argument;
  cos: Tensor;
  sin: Tensor;
}

function attention(scope: Scope, config: FalconConfig) {
  const { hidden, heads, grouped, keyValueHeads } = config;
  const size = hidden / heads;
  const project = scope.linear('query_key_value', hidden, hidden + 2 * keyValueHeads * size, UNBIASED);
  const output = scope.linear('dense', hidden, hidden, UNBIASED);
  const split = grouped ? splitGroups : splitShared;

  return (ops: Operations, x: Tensor, { mask, cos, sin }: Around): [Tensor, Tensor | null] => {
    ops.enter([x, mask, cos, sin]);
    const [batch, length] = x.shape as readonly [number, number];
    const fused = ops.keep(ops.linear(x, project));
    const [query, key, value] = split(ops, fused, config)
      .map((part) => ops.keep(part))
      .map((part) => ops.rebind(part, ops.transpose(part, 1, 2))) as unknown as Heads;
    const rotated = applyRotary(ops, [query, key], [cos, sin]);
    const turned: Heads = [ops.rebind(query, rotated[0]), ops.rebind(key, rotated[1]), value];
    const [attended, weights] =
      ops.attention === 'eager'
        ? eager(ops, turned, mask!, x)
        : [ops.scaledDotProductAttention(...turned, { mask, causal: mask === null, dropout: 0 }), null];
    let out = ops.keep(attended);
    out = ops.rebind(out, ops.permute(out, [0, 2, 1, 3]));
    out = ops.rebind(out, ops.reshape(out, [batch, length, hidden]));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, weights]);
  };
}

function feedForward(scope: Scope, { hidden, intermediate, act }: FalconConfig) {
  const expand = scope.linear('dense_h_to_4h', hidden, intermediate, UNBIASED);
  const project = scope.linear('dense_4h_to_h', intermediate, hidden, UNBIASED);
  return module((ops, x: Tensor): Tensor => {
    const h = ops.keep(act(ops, ops.linear(x, expand)));
    return ops.rebind(h, ops.linear(h, project));
  });
}

/** Attention and feed-forward part side by side; their results meet in place. */
function layer(block: Block, config: FalconConfig) {
  const { scope } = block;
  const { hidden, twoNorms } = config;
  const attend = attention(scope.child('self_attention'), config);
  const mlp = feedForward(scope.child('mlp'), config);
  const norm = scope.layerNorm(twoNorms ? 'ln_attn' : 'input_layernorm', hidden);
  const mlpNorm = twoNorms ? scope.layerNorm('ln_mlp', hidden) : null;

  return (ops: Operations, args: readonly Argument[]): readonly [Tensor, Tensor | null] =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const normed = ops.keep(ops.layerNorm(x!, norm));
      const mlpInput = mlpNorm === null ? normed : ops.keep(ops.layerNorm(x!, mlpNorm));
      const [attended, weights] = attend(ops, normed, { mask: mask!, cos: cos!, sin: sin! });
      ops.keep(attended);
      if (weights !== null) ops.keep(weights);
      const forwarded = ops.keep(ops.addInPlace(mlp(ops, mlpInput), attended));
      const dropped = ops.dropout(forwarded, ops.dropoutOf(config.dropout));
      return [ops.add(x!, dropped), weights] as const;
    });
}

function decoder(scope: Scope, config: FalconConfig): DecoderBody {
  const table = scope.embedding('word_embeddings', config.vocabulary, config.hidden);
  const layers = scope.child('h');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const finalNorm = scope.layerNorm('ln_f', config.hidden);
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [config.hidden / config.heads / 2], float32);

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    let h = ops.keep(ops.embedding(ids, table));
    ops.keep(h);
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    const positionIds = ops.keep(ops.unsqueeze(positions, 0));
    const mask = olderCausalMask(ops, attentionMask, positions, h.dtype);
    if (mask !== null) ops.keep(mask);
    const [cos, sin] = keepRotaryTable(ops, [h, positionIds], frequencies);
    h = runLayers(ops, blocks, h, [mask, positionIds, cos, sin]);
    return ops.layerNorm(h, finalNorm);
  });
  return { table, run };
}

/** Falcon (transformers' FalconForCausalLM). */
export function falcon(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const scope = root.child('transformer');
  const write = (): DecoderBody => falconRwDecoder(scope, readFalconRw(new ConfigReader(model), config));
  const body = config.biased ? write() : decoder(scope, config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
