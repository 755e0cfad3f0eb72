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
import { repeatHeads } from '../modules/eager-attention.js';
import { keepPartlyRotated } from '../modules/rotary.js';
import type { Block, Linear } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface StableLmConfig {
  layers: number;
  hidden: number;
  heads: number;
  keyValueHeads: number;
  intermediate: number;
  vocabulary: number;
  rotarySize: number;
  bias: boolean;
  /** A norm of its own for each query and key head. */
  headNorms: boolean;
  parallelResidual: boolean;
  dropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

function read(model: ResolvedModel): StableLmConfig {
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size', 2560);
  const heads = config.size('num_attention_heads', 32);
  return {
    layers: config.size('num_hidden_layers', 32),
    hidden,
    heads,
    keyValueHeads: config.size('num_key_value_heads', heads),
    intermediate: config.size('intermediate_size', 6912),
    vocabulary: config.size('vocab_size', 50304),
    rotarySize: Math.floor((hidden / heads) * config.number('partial_rotary_factor', 0.25)),
    bias: config.flag(['use_qkv_bias', 'qkv_bias'], false),
    headNorms: config.flag('qk_layernorm', config.text('qk_norm', '') === 'per_head'),
    parallelResidual: config.flag(['use_parallel_residual', 'parallel_residual'], false),
    dropout: config.number('hidden_dropout', 0),
    attentionDropout: config.number('attention_dropout', 0),
    tied: config.flag('tie_word_embeddings', false),
    act: activation(config.text('hidden_act', 'silu')),
  };
}

/** StableLmLayerNormPerHead: the heads are taken apart, each normalised, and put together again. */
function perHeadNorm(scope: Scope, heads: number, size: number) {
  const norms = scope.child('norms');
  const layers = Array.from({ length: heads }, (_, i) => norms.layerNorm(String(i), size, { bias: false }));
  return module((ops, x: Tensor): Tensor => {
    const ones = layers.map(() => 1);
    const parts = ops.split(x, ones, 1).map((part) => ops.keep(part));
    return ops.cat(
      parts.map((part, i) => ops.layerNorm(part, layers[i]!)),
      1,
    );
  });
}

interface Heads {
  query: Tensor;
  key: Tensor;
  value: Tensor;
  mask: Argument;
  dropout: number;
}

/** Attention in the caller's frame, where probabilities are named until the projection is done. */
function attend(ops: Operations, { query, key, value, mask, dropout }: Heads): [Tensor, Tensor | null] {
  if (ops.attention !== 'eager') {
    const out = ops.keep(ops.scaledDotProductAttention(query, key, value, { mask, causal: mask === null, dropout }));
    return [ops.rebind(out, ops.contiguous(ops.transpose(out, 1, 2))), null];
  }
  let weights = ops.keep(ops.mulScalar(ops.matmul(query, ops.transpose(key, 2, 3))));
  if (mask !== null) weights = ops.rebind(weights, ops.addInPlace(weights, mask));
  weights = ops.rebind(weights, ops.to(ops.softmax(weights, float32), query.dtype));
  weights = ops.rebind(weights, ops.dropout(weights, dropout));
  const out = ops.keep(ops.matmul(weights, value));
  return [ops.rebind(out, ops.contiguous(ops.transpose(out, 1, 2))), weights];
}

/** What every layer is given beside its input. */
interface Around {
  mask: Argument;
  cos: Tensor;
  sin: Tensor;
}

function attention(scope: Scope, config: StableLmConfig) {
  const { hidden, heads, keyValueHeads, bias } = config;
  const size = hidden / heads;
  const queries = scope.linear('q_proj', hidden, hidden, { bias });
  const keys = scope.linear('k_proj', hidden, keyValueHeads * size, { bias });
  const values = scope.linear('v_proj', hidden, keyValueHeads * size, { bias });
  const output = scope.linear('o_proj', hidden, hidden, { bias: false });
  const queryNorm = config.headNorms ? perHeadNorm(scope.child('q_layernorm'), heads, size) : null;
  const keyNorm = config.headNorms ? perHeadNorm(scope.child('k_layernorm'), keyValueHeads, size) : null;
  scope.child('rotary_emb').buffer('inv_freq', [config.rotarySize / 2], float32);

  return (ops: Operations, x: Tensor, { mask, cos, sin }: Around): Tensor => {
    ops.enter([x, mask, cos, sin]);
    const [batch, length] = x.shape as readonly [number, number];
    const project = (layer: Linear): Tensor => ops.keep(ops.linear(x, layer));
    const intoHeads = (h: Tensor): Tensor => ops.rebind(h, ops.transpose(ops.view(h, [batch, length, -1, size]), 1, 2));
    let [query, key, value] = [queries, keys, values].map(project).map(intoHeads) as [Tensor, Tensor, Tensor];
    if (queryNorm !== null) query = ops.rebind(query, queryNorm(ops, query));
    if (keyNorm !== null) key = ops.rebind(key, keyNorm(ops, key));
    [query, key] = keepPartlyRotated(ops, [query, key], [cos, sin]);
    key = ops.rebind(key, repeatHeads(ops, key, heads / keyValueHeads));
    value = ops.rebind(value, repeatHeads(ops, value, heads / keyValueHeads));
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [attended] = attend(ops, { query, key, value, mask, dropout });
    let out = ops.rebind(attended, ops.view(attended, [batch, length, hidden]));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave(out);
  };
}

function feedForward(scope: Scope, { hidden, intermediate, act }: StableLmConfig) {
  const [gate, up] = ['gate_proj', 'up_proj'].map((name) =>
    scope.linear(name, hidden, intermediate, { bias: false }),
  ) as [Linear, Linear];
  const down = scope.linear('down_proj', intermediate, hidden, { bias: false });
  return module((ops, x: Tensor): Tensor =>
    ops.linear(ops.mul(act(ops, ops.linear(x, gate)), ops.linear(x, up)), down),
  );
}

function layer(block: Block, config: StableLmConfig) {
  const { scope } = block;
  const attend = attention(scope.child('self_attn'), config);
  const mlp = feedForward(scope.child('mlp'), config);
  const inputNorm = scope.layerNorm('input_layernorm', config.hidden);
  const mlpNorm = config.parallelResidual ? null : scope.layerNorm('post_attention_layernorm', config.hidden);

  return (ops: Operations, args: readonly Argument[]): Tensor =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const dropped = (h: Tensor): Tensor => ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
      const h = ops.keep(ops.layerNorm(x!, inputNorm));
      const attended = ops.keep(attend(ops, h, { mask: mask!, cos: cos!, sin: sin! }));
      if (mlpNorm === null) {
        const fed = dropped(ops.keep(mlp(ops, h)));
        return ops.add(ops.add(x!, attended), fed);
      }
      const residual = ops.keep(ops.add(x!, attended));
      const fed = dropped(ops.keep(mlp(ops, ops.layerNorm(residual, mlpNorm))));
      return ops.add(residual, fed);
    });
}

function decoder(scope: Scope, config: StableLmConfig): DecoderBody {
  const table = scope.embedding('embed_tokens', config.vocabulary, config.hidden);
  const layers = scope.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const finalNorm = scope.layerNorm('norm', config.hidden);
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [config.rotarySize / 2], float32);

  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const embeds = ops.keep(ops.embedding(ids, table));
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    const positionIds = ops.keep(ops.unsqueeze(positions, 0));
    const mask = olderCausalMask(ops, attentionMask, positions, embeds.dtype);
    if (mask !== null) ops.keep(mask);
    let h = ops.keep(embeds);
    const [cos, sin] = keepRotaryTable(ops, [h, positionIds], frequencies);
    for (const block of blocks) h = ops.rebind(h, block(ops, [h, mask, positionIds, cos, sin]));
    return ops.rebind(h, ops.layerNorm(h, finalNorm));
  });
  return { table, run };
}

/** StableLM and StableLM 2 (transformers' StableLmForCausalLM). */
export function stableLm(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('model'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
