import type { ConfigReader } from '../config-reader.js';
import { bfloat16, bool, float32, int32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { additiveCausalMask } from '../modules/additive-masks.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import { keepRotaryTable } from '../modules/decoder-start.js';
import type { TupleLayer } from '../modules/gpt-decoder.js';
import { runLayers } from '../modules/gpt-decoder.js';
import type { Step } from '../modules/sequential.js';
import type { Block, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

/** Falcon with position biases (ALiBi): one part after the other, keys and values for each head. */
export interface FalconRw {
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  vocabulary: number;
  bias: boolean;
  dropout: number;
  attentionDropout: number;
  act: Activation;
}

/** What the released models with position biases are; throws for other ways to put Falcon's parts together. */
export function readFalconRw(config: ConfigReader, rest: Omit<FalconRw, 'bias' | 'attentionDropout'>): FalconRw {
  const parallel = config.flag('parallel_attn', config.flag('parallel_residual', false));
  if (parallel || config.flag('new_decoder_architecture', false) || config.flag('multi_query', false)) {
    throw config.unsupported('Falcon with position biases beside parallel attention or shared heads is not covered');
  }
  return {
    ...rest,
    bias: config.flag(['bias', 'qkv_bias'], true),
    attentionDropout: config.number('attention_dropout', 0),
  };
}

/** FalconLinear: `x @ weight.T`, then the bias. */
function falconLinear(scope: Scope, name: string, sizes: readonly [number, number], bias: boolean): Step {
  const layer = scope.linear(name, ...sizes, { bias, castAnew: true });
  const product = { ...layer, bias: null };
  return (ops, x) => {
    const out = ops.linear(x, product);
    return layer.bias === null ? out : ops.add(out, ops.parameter(layer.bias));
  };
}

/** What every layer is given beside its input. */
interface Around {
  mask: Tensor;
  biases: Tensor;
}

function attention(scope: Scope, config: FalconRw) {
  const { hidden, heads, bias } = config;
  const size = hidden / heads;
  const project = falconLinear(scope, 'query_key_value', [hidden, 3 * hidden], bias);
  const dense = falconLinear(scope, 'dense', [hidden, hidden], bias);

  const eager = (ops: Operations, [q, k, v]: readonly [Tensor, Tensor, Tensor], { mask, biases }: Around) => {
    const [batch, , length] = q.shape as readonly [number, number, number];
    const product = ops.keep(ops.matmul(q, ops.transpose(k, 2, 3)));
    const scores = ops.keep(ops.view(product, [batch, heads, length, length]));
    const raised = ops.to(scores, float32);
    const own = raised === scores ? scores : ops.rebind(scores, raised);
    const sum = ops.keep(ops.add(own, ops.view(biases, [batch, heads, 1, length])));
    const logits = ops.rebind(sum, ops.mulScalarInPlace(sum));
    let probabilities = ops.keep(ops.softmax(ops.add(logits, mask), v.dtype));
    probabilities = ops.rebind(probabilities, ops.dropout(probabilities, ops.dropoutOf(config.attentionDropout)));
    const attended = ops.keep(ops.matmul(probabilities, v));
    return [
      ops.rebind(attended, ops.reshape(ops.permute(attended, [0, 2, 1, 3]), [batch, length, hidden])),
      probabilities,
    ];
  };

  return (ops: Operations, x: Tensor, around: Around): [Tensor, Tensor | null] => {
    ops.enter([x, around.mask, around.biases]);
    const [batch, length] = x.shape as readonly [number, number];
    const fused = ops.keep(project(ops, x));
    const apart = ops.keep(ops.view(fused, [batch, length, heads, 3, size]));
    const parts = [0, 1, 2].map(() => ops.keep(ops.transpose(ops.select(apart, 3), 1, 2)));
    if (ops.attention === 'eager') {
      const [merged, weights] = eager(ops, parts as [Tensor, Tensor, Tensor], around) as [Tensor, Tensor];
      return ops.leave([ops.keep(dense(ops, merged)), weights]);
    }
    const [q, k, v] = parts.map((part) => ops.rebind(part, ops.contiguous(part))) as [Tensor, Tensor, Tensor];
    const options = { mask: around.mask, causal: false, dropout: ops.dropoutOf(config.attentionDropout) };
    let out = ops.keep(ops.scaledDotProductAttention(q, k, v, options));
    out = ops.rebind(out, ops.reshape(ops.transpose(out, 1, 2), [batch, length, hidden]));
    return ops.leave([ops.rebind(out, dense(ops, out)), null]);
  };
}

function feedForward(scope: Scope, { hidden, intermediate, act, bias }: FalconRw): Step {
  const expand = falconLinear(scope, 'dense_h_to_4h', [hidden, intermediate], bias);
  const contract = falconLinear(scope, 'dense_4h_to_h', [intermediate, hidden], bias);
  return module((ops, x: Tensor): Tensor => {
    const h = ops.keep(act(ops, expand(ops, x)));
    return ops.rebind(h, contract(ops, h));
  });
}

function layer(block: Block, config: FalconRw): TupleLayer {
  const { scope } = block;
  const attend = attention(scope.child('self_attention'), config);
  const mlp = feedForward(scope.child('mlp'), config);
  const secondNorm = scope.layerNorm('post_attention_layernorm', config.hidden);
  const firstNorm = scope.layerNorm('input_layernorm', config.hidden);
  return (ops, args) =>
    ops.block(block, args, ([x, mask, , , , biases]) => {
      const normed = ops.keep(ops.layerNorm(x!, firstNorm));
      const [attended, weights] = attend(ops, normed, { mask: mask!, biases: biases! });
      ops.keep(attended);
      if (weights !== null) ops.keep(weights);
      const dropped = ops.dropout(attended, ops.dropoutOf(config.attentionDropout));
      const residual = ops.keep(ops.add(x!, dropped));
      const fed = ops.keep(mlp(ops, ops.keep(ops.layerNorm(residual, secondNorm))));
      return [ops.add(residual, ops.dropout(fed, ops.dropoutOf(config.dropout))), weights] as const;
    });
}

/** `build_alibi_tensor`: [batch * heads, 1, length], made in bf16. */
function positionBiases(ops: Operations, { shape }: Tensor, heads: number, like: Tensor): Tensor {
  ops.enter([]);
  const [batch, length] = shape as readonly [number, number];
  const slopes = 2 ** Math.floor(Math.log2(heads));
  ops.keep(ops.create('to_copy', [], float32));
  ops.keep(ops.create('arange', [slopes], int32));
  ops.keep(ops.create('pow', [heads], float32));
  const places = ops.derive('sub', [ops.create('cumsum', shape, int64)], shape, int64);
  ops.keep(ops.derive('mul', [places], shape, int64));
  const wide = [batch, heads, length];
  const biases = ops.keep(ops.derive('mul', [ops.create('to_copy', [heads, 1], bfloat16)], wide, bfloat16));
  return ops.leave(ops.view(ops.to(biases, like.dtype), [batch * heads, 1, length]));
}

/** Biases where attention is allowed, for each head: [batch, heads, length, length]. */
function biasedMask(ops: Operations, causal: Tensor, biases: Tensor, heads: number): Tensor {
  const [batch, , length] = causal.shape as readonly [number, number, number];
  const shape = [batch, heads, length, length];
  const scaled = ops.derive('div', [], biases.shape, biases.dtype);
  const hidden = ops.derive('lt', [], causal.shape, bool);
  const mask = ops.rebind(causal, ops.derive('masked_fill', [scaled, hidden], shape, biases.dtype));
  if (ops.attention === 'eager') return mask;
  const rows = [batch, heads, length, 1];
  const unattended = ops.derive('all', [ops.derive('eq', [], shape, bool)], rows, bool);
  const attended = ops.derive('bitwise_not', [unattended], rows, bool);
  return ops.rebind(mask, ops.derive('mul', [attended], shape, biases.dtype));
}

/** Falcon-RW without its head: biases of positions, although angles are computed and passed on as well. */
export function falconRwDecoder(scope: Scope, config: FalconRw): DecoderBody {
  const { hidden, heads } = config;
  const table = scope.embedding('word_embeddings', config.vocabulary, hidden);
  const parent = scope.child('h');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(parent.block(String(i)), config));
  const finalNorm = scope.layerNorm('ln_f', hidden);
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [hidden / heads / 2], float32);
  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const embeds = ops.keep(ops.embedding(ids, table));
    const biases = ops.keep(positionBiases(ops, attentionMask, heads, embeds));
    const positions = ops.keep(ops.create('arange', [ids.shape[1]!], int64));
    const positionIds = ops.keep(ops.unsqueeze(positions, 0));
    const causal = ops.keep(additiveCausalMask(ops, attentionMask, positions, embeds.dtype));
    const mask = biasedMask(ops, causal, biases, heads);
    const start = ops.keep(embeds);
    const [cos, sin] = keepRotaryTable(ops, [start, positionIds], frequencies);
    const h = runLayers(ops, layers, start, [mask, positionIds, cos, sin, biases]);
    return ops.layerNorm(h, finalNorm);
  });
  return { table, run };
}
