import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { float32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { raisedEagerAttention } from '../modules/eager-attention.js';
import { gptFeedForward } from '../modules/feed-forward.js';
import type { GptDecoder, TupleLayer } from '../modules/gpt-decoder.js';
import { gptDecoder } from '../modules/gpt-decoder.js';
import { repeatEach, rotatePairs } from '../modules/rotary.js';
import type { Block, Scope } from '../module-tree.js';
import { Scope as ModuleScope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface GptJConfig extends GptDecoder {
  heads: number;
  intermediate: number;
  /** Part of a head that turns. */
  rotary: number;
  longest: number;
  residualDropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
  /** CodeGen: queries, values and keys in one product, positions looked up in fp32. */
  fused: boolean;
}

function read(model: ResolvedModel): GptJConfig {
  const config = new ConfigReader(model);
  const hidden = config.size(['n_embd', 'hidden_size'], 4096);
  const heads = config.size(['n_head', 'num_attention_heads'], 16);
  return {
    layers: config.size(['n_layer', 'num_hidden_layers'], 28),
    hidden,
    heads,
    intermediate: config.size(['n_inner', 'intermediate_size'], 4 * hidden),
    rotary: config.size('rotary_dim', 64),
    vocabulary: config.size('vocab_size', 50400),
    positions: null,
    longest: config.size(['n_positions', 'max_position_embeddings'], 2048),
    embeddingDropout: config.number('embd_pdrop', 0),
    residualDropout: config.number('resid_pdrop', 0),
    attentionDropout: config.number('attn_pdrop', 0),
    tied: config.flag('tie_word_embeddings', false),
    act: activation(config.text(['activation_function', 'hidden_act'], 'gelu_new')),
    fused: model.modelType === 'codegen',
  };
}

/** Ranks that CodeGen was trained on, which its fused product is laid out for. */
const CODEGEN_PARTS = 4;

type Heads = [query: Tensor, key: Tensor, value: Tensor];

/** Queries and keys as [batch, length, heads, size], values with their heads first; kept in the caller's frame. */
function projecting(scope: Scope, { hidden, heads, fused }: GptJConfig): (ops: Operations, x: Tensor) => Heads {
  const size = hidden / heads;
  const intoHeads = (ops: Operations, x: Tensor): Tensor => ops.view(x, [x.shape[0]!, x.shape[1]!, heads, size]);
  const headsFirst = (ops: Operations, x: Tensor): Tensor => ops.rebind(x, ops.permute(x, [0, 2, 1, 3]));
  if (!fused) {
    const [key, value, query] = ['k_proj', 'v_proj', 'q_proj'].map((name) =>
      scope.linear(name, hidden, hidden, { bias: false }),
    );
    return (ops, x) => {
      const parts = [query!, key!, value!].map((layer) => ops.keep(ops.linear(x, layer)));
      const [q, k, v] = parts.map((part) => ops.rebind(part, intoHeads(ops, part))) as Heads;
      return [q, k, headsFirst(ops, v)];
    };
  }
  const project = scope.linear('qkv_proj', hidden, 3 * hidden, { bias: false });
  return (ops, x) => {
    const [batch, length] = x.shape as readonly [number, number];
    const all = ops.keep(ops.linear(x, project));
    const local = hidden / CODEGEN_PARTS;
    const shaped = ops.keep(ops.reshape(all, [batch, length, CODEGEN_PARTS, 3 * local]));
    const split = ops.split(shaped, [local, local, local], 3).map((part) => ops.keep(part));
    const [query, value, key] = split as [Tensor, Tensor, Tensor];
    const [q, k, v] = [query, key, value].map((part) =>
      ops.rebind(part, ops.reshape(part, [batch, length, heads, size])),
    ) as Heads;
    return [q, k, headsFirst(ops, v)];
  };
}

/** sin and cos of the positions, as halves of one table; kept in the caller's frame. */
function sinesOf(ops: Operations, length: number, config: GptJConfig, key: Tensor): [Tensor, Tensor] {
  const shape = [1, length, config.rotary];
  let table: Tensor;
  if (config.fused) table = ops.keep(ops.create('index', shape, float32));
  else {
    ops.keep(ops.create('repeat', [1, config.longest, config.rotary], float32));
    ops.keep(ops.create('repeat', shape, int64));
    table = ops.keep(ops.to(ops.create('gather', shape, float32), key.dtype));
  }
  return ops.split(table, [config.rotary / 2, config.rotary / 2], 2).map((half) => ops.keep(half)) as [Tensor, Tensor];
}

/** `apply_rotary_pos_emb`: each angle twice, neighbours as pairs. */
const turned = module((ops, x: Tensor, sin: Tensor, cos: Tensor): Tensor => {
  const wideSin = ops.keep(repeatEach(ops, ops.unsqueeze(sin, 2)));
  const wideCos = ops.keep(repeatEach(ops, ops.unsqueeze(cos, 2)));
  return ops.add(ops.mul(x, wideCos), ops.mul(rotatePairs(ops, x), wideSin));
});

/** Keys, then queries, turned in their first part; kept in the caller's frame. */
function rotate(ops: Operations, [query, key]: readonly [Tensor, Tensor], length: number, config: GptJConfig) {
  const [sin, cos] = sinesOf(ops, length, config, key);
  const { rotary } = config;
  const size = config.hidden / config.heads;
  const cut = (x: Tensor): [Tensor, Tensor] => [
    ops.keep(ops.slice(x, 3, 0, rotary)),
    ops.keep(ops.slice(x, 3, rotary, size)),
  ];
  const [keyTurns, keyStays] = cut(key);
  const [queryTurns, queryStays] = cut(query);
  const turnedKey = ops.rebind(keyTurns, turned(ops, keyTurns, sin, cos));
  const turnedQuery = ops.rebind(queryTurns, turned(ops, queryTurns, sin, cos));
  const wholeKey = ops.rebind(key, ops.cat([turnedKey, keyStays], 3));
  const wholeQuery = ops.rebind(query, ops.cat([turnedQuery, queryStays], 3));
  return [wholeQuery, wholeKey] as const;
}

function attention(scope: Scope, config: GptJConfig) {
  const { hidden } = config;
  const project = projecting(scope, config);
  const output = scope.linear('out_proj', hidden, hidden, { bias: false });
  return module((ops, x: Tensor, mask: Tensor | null): [Tensor, Tensor | null] => {
    const [batch, length] = x.shape as readonly [number, number];
    const [q, k, value] = project(ops, x);
    const whole = rotate(ops, [q, k], length, config);
    const key = ops.rebind(whole[1], ops.permute(whole[1], [0, 2, 1, 3]));
    const query = ops.rebind(whole[0], ops.permute(whole[0], [0, 2, 1, 3]));
    const dropout = ops.dropoutOf(config.attentionDropout);
    const options = { scales: true, masksInPlace: config.fused };
    const [attended, weights] = raisedEagerAttention(ops, { query, key, value, mask, dropout }, options);
    let out = ops.keep(attended);
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.view(ops.contiguous(ops.permute(out, [0, 2, 1, 3])), [batch, length, hidden]));
    out = ops.rebind(out, ops.linear(out, output));
    return [ops.rebind(out, ops.dropout(out, ops.dropoutOf(config.residualDropout))), weights];
  });
}

/** Attention and feed-forward part over one norm, side by side. */
function layer(block: Block, config: GptJConfig): TupleLayer {
  const { scope } = block;
  const { hidden, intermediate, act, residualDropout: dropout } = config;
  const norm = scope.layerNorm('ln_1', hidden);
  const attend = attention(scope.child('attn'), config);
  const names = ['fc_in', 'fc_out'] as const;
  const mlp = gptFeedForward(scope.child('mlp'), names, { hidden, intermediate, act, dropout, bias: true });
  return (ops, args) =>
    ops.block(block, args, ([x, mask]) => {
      const h = ops.keep(ops.layerNorm(x!, norm));
      const [attended, weights] = attend(ops, h, mask!);
      ops.keep(attended);
      if (weights !== null) ops.keep(weights);
      const forwarded = ops.keep(mlp(ops, h));
      return [ops.add(ops.add(attended, forwarded), x!), weights] as const;
    });
}

/** GPT-J and CodeGen with their language-model heads (transformers' GPTJForCausalLM, CodeGenForCausalLM). */
export function gptJ(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = ModuleScope.root();
  const body = gptDecoder(root.child('transformer'), config, (block) => layer(block, config));
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied, headBias: true, around: 'raised' });
}
