import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { bool, float32, int32, int64 } from '../dtype.js';
import { expandedMask } from '../modules/additive-masks.js';
import { decoderModel } from '../modules/causal-language-model.js';
import type { DecoderBody } from '../modules/decoder-body.js';
import type { TupleLayer } from '../modules/gpt-decoder.js';
import { runLayers } from '../modules/gpt-decoder.js';
import type { Block } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface MptConfig {
  layers: number;
  hidden: number;
  heads: number;
  vocabulary: number;
  longest: number;
  dropout: number;
  /** Whether projections are clamped. */
  clips: boolean;
  tied: boolean;
}

function read(model: ResolvedModel): MptConfig {
  const config = new ConfigReader(model);
  return {
    layers: config.size(['n_layers', 'num_hidden_layers'], 24),
    hidden: config.size(['d_model', 'hidden_size'], 2048),
    heads: config.size(['n_heads', 'num_attention_heads'], 16),
    vocabulary: config.size('vocab_size', 50368),
    longest: config.size(['max_seq_len', 'max_position_embeddings'], 2048),
    dropout: config.number('attn_pdrop', 0),
    clips: config.has('clip_qkv'),
    tied: config.flag('tie_word_embeddings', true),
  };
}

/** Position biases and what is masked; both live as long as the model runs. */
interface Around {
  biases: Tensor;
  mask: Tensor;
}

function attention(scope: Scope, config: MptConfig) {
  const { hidden, heads, clips, dropout } = config;
  const project = scope.linear('Wqkv', hidden, 3 * hidden, { bias: false });
  const output = scope.linear('out_proj', hidden, hidden, { bias: false });
  return (ops: Operations, x: Tensor, { biases, mask }: Around): [Tensor, Tensor] => {
    ops.enter([x, biases, mask]);
    const [batch, length] = x.shape as readonly [number, number];
    let fused = ops.keep(ops.linear(x, project));
    if (clips) fused = ops.rebind(fused, ops.clamp(fused));
    const parts = ops.split(fused, [hidden, hidden, hidden], 2).map((part) => ops.keep(part));
    const [query, key, value] = parts.map((part) =>
      ops.rebind(part, ops.transpose(ops.reshape(part, [batch, length, heads, hidden / heads]), 1, 2)),
    ) as [Tensor, Tensor, Tensor];
    let scores = ops.keep(ops.mulScalar(ops.matmul(query, ops.transpose(key, 2, 3))));
    scores = ops.rebind(scores, ops.add(scores, ops.slice(biases, 2, biases.shape[2]! - length, biases.shape[2]!)));
    scores = ops.rebind(scores, ops.maskedFill(scores, mask));
    let weights = ops.keep(ops.to(ops.softmax(ops.to(scores, float32)), value.dtype));
    weights = ops.rebind(weights, ops.dropout(weights, ops.dropoutOf(dropout)));
    let context = ops.keep(ops.matmul(weights, value));
    const together = ops.contiguous(ops.permute(context, [0, 2, 1, 3]));
    context = ops.rebind(context, ops.view(together, [batch, length, hidden]));
    return ops.leave([ops.keep(ops.linear(context, output)), weights]);
  };
}

function layer(block: Block, config: MptConfig): TupleLayer {
  const { scope } = block;
  const { hidden, dropout } = config;
  const norm1 = scope.layerNorm('norm_1', hidden, { bias: false });
  const attend = attention(scope.child('attn'), config);
  const norm2 = scope.layerNorm('norm_2', hidden, { bias: false });
  const ffn = scope.child('ffn');
  const expand = ffn.linear('up_proj', hidden, 4 * hidden, { bias: false });
  const contract = ffn.linear('down_proj', 4 * hidden, hidden, { bias: false });
  const feed = module((ops, x: Tensor, residual: Tensor): Tensor => {
    const h = ops.keep(ops.gelu(ops.linear(x, expand)));
    const out = ops.keep(ops.linear(h, contract));
    const dropped = ops.dropout(out, ops.dropoutOf(dropout));
    return ops.add(dropped === out ? out : ops.keep(dropped), residual);
  });
  return (ops, args) =>
    ops.block(block, args, ([x, mask, biases]) => {
      const normed = ops.keep(ops.layerNorm(x!, norm1));
      const [attended, weights] = attend(ops, normed, { biases: biases!, mask: mask! });
      ops.keep(attended);
      ops.keep(weights);
      const h = ops.keep(ops.add(ops.dropout(attended, ops.dropoutOf(dropout)), x!));
      const second = ops.rebind(normed, ops.layerNorm(h, norm2));
      return [feed(ops, second, h), weights] as const;
    });
}

/** `build_mpt_alibi_tensor`: [heads, 1, longest], as many places as the model can have. */
function positionBiases(ops: Operations, { heads, longest }: MptConfig): Tensor {
  ops.enter([]);
  const places = ops.keep(ops.create('arange', [longest], int32));
  const slopes = 2 ** Math.ceil(Math.log2(heads));
  const real = (name: string, inputs: readonly Tensor[]): Tensor => ops.derive(name, inputs, [slopes], float32);
  const base = ops.keep(real('to_copy', [ops.create('arange', [slopes], int64)]));
  ops.rebind(base, real('mul', []));
  const power = real('pow', []);
  ops.keep(real('mul', [real('reciprocal', []), power]));
  return ops.leave(ops.rebind(places, ops.derive('mul', [], [heads, 1, longest], float32)));
}

/** `_prepare_4d_causal_attention_mask`, as what is masked: [batch, 1, length, length]. */
function maskedPairs(ops: Operations, attentionMask: Tensor, like: Tensor): Tensor {
  ops.enter([attentionMask, like]);
  const [batch, length] = attentionMask.shape as readonly [number, number];
  const shape = [batch, 1, length, length];
  const full = ops.keep(ops.create('full', [length, length], float32));
  const places = ops.keep(ops.create('arange', [length], int64));
  ops.drop(ops.derive('lt', [ops.create('add', [length], int64)], [length, length], bool));
  const causal = ops.to(full, like.dtype);
  if (causal !== full) ops.rebind(full, causal);
  ops.drop(places);
  ops.keep(expandedMask(ops, attentionMask, length, like.dtype));
  const hidden = ops.derive('to_copy', [], shape, bool);
  const mask = ops.leave(ops.derive('masked_fill', [hidden], shape, like.dtype));
  return ops.derive('to_copy', [mask], shape, bool);
}

function decoder(scope: Scope, config: MptConfig): DecoderBody {
  const { hidden } = config;
  const table = scope.embedding('wte', config.vocabulary, hidden);
  const parent = scope.child('blocks');
  const layers = Array.from({ length: config.layers }, (_, i) => layer(parent.block(String(i)), config));
  const finalNorm = scope.layerNorm('norm_f', hidden, { bias: false });
  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const embeds = ops.keep(ops.embedding(ids, table));
    const biases: Argument = ops.keep(positionBiases(ops, config));
    const mask = ops.keep(maskedPairs(ops, attentionMask, embeds));
    const h = runLayers(ops, layers, ops.keep(embeds), [mask, biases]);
    return ops.rebind(h, ops.layerNorm(h, finalNorm));
  });
  return { table, run };
}

/** MPT (transformers' MptForCausalLM and other heads). Its attention is in Python whatever is asked for. */
export function mpt(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = decoder(root.child('transformer'), config);
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied });
}
