import type { Architecture } from '../definition.js';
import { completeArchitecture, input } from '../definition.js';
import { float32 } from '../dtype.js';
import type { RankView } from '../rank-view.js';
import type { Block, Linear, Normalisation, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import { litGptAttention } from './litgpt-attention.js';
import { chunkedHeadLoss, chunkedLogitsLoss } from './litgpt-loss.js';
import { tokenInputs } from '../modules/text-inputs.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';
import type { LitGptConfig } from './litgpt-config.js';

type Norm = (ops: Operations, x: Tensor) => Tensor;

/** Release from which on `RMSNorm` computes in fp32 (Lightning-AI/litgpt pull request 606, October 2023). */
const NORM_IN_FLOAT32 = [0, 1];
/** Release from which on the weight is multiplied in fp32, too (pull request 1545, July 2024). */
const WEIGHT_IN_FLOAT32 = [0, 4, 6];

function litGptRmsNorm(ops: Operations, x: Tensor, weight: Parameter, unitOffset: boolean): Tensor {
  if (ops.kernels.has('fused-norms')) return ops.rmsNormWith(x, ops.parameter(weight), 1);
  ops.enter([x]);
  if (ops.isBefore('litgpt', NORM_IN_FLOAT32)) {
    const mean = ops.keep(ops.mean(ops.mul(x, x), [-1], true));
    const normed = ops.keep(ops.mul(x, ops.rsqrt(ops.addScalar(mean))));
    return ops.leave(ops.mul(ops.parameter(weight), normed));
  }
  const h = ops.keep(ops.to(x, float32));
  const mean = ops.keep(ops.mean(ops.mul(h, h), [-1], true));
  const normed = ops.keep(ops.mul(h, ops.rsqrt(ops.addScalar(mean))));
  const own = ops.parameter(weight);
  const scale = unitOffset ? ops.keep(ops.addScalar(own)) : own;
  if (ops.isBefore('litgpt', WEIGHT_IN_FLOAT32)) return ops.leave(ops.mul(ops.to(normed, x.dtype), scale));
  return ops.leave(ops.to(ops.mul(normed, ops.to(scale, float32)), x.dtype));
}

function norm(scope: Scope, name: string, size: number, kind: LitGptConfig['norm']): Norm {
  if (kind === 'layer') {
    const layer: Normalisation = scope.layerNorm(name, size);
    return (ops, x) => ops.layerNorm(x, layer);
  }
  const weight = scope.child(name).parameter('weight', [size]);
  return (ops, x) => litGptRmsNorm(ops, x, weight, kind === 'rms-unit-offset');
}

function feedForward(scope: Scope, { hidden, intermediate, bias, mlp }: LitGptConfig): Norm {
  if (mlp === 'gelu') {
    const expand = scope.linear('up_proj', hidden, intermediate, { bias });
    const contract = scope.linear('down_proj', intermediate, hidden, { bias });
    return module((ops, x: Tensor): Tensor => {
      let h = ops.keep(ops.linear(x, expand));
      h = ops.rebind(h, ops.gelu(h));
      return ops.linear(h, contract);
    });
  }
  const first = scope.linear('gate_proj', hidden, intermediate, { bias });
  const second = scope.linear('up_proj', hidden, intermediate, { bias });
  const contract = scope.linear('down_proj', intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor => {
    const gate = ops.keep(ops.linear(x, first));
    const up = ops.keep(ops.linear(x, second));
    const h = ops.keep(ops.mul(mlp === 'silu-gated' ? ops.silu(gate) : ops.gelu(gate), up));
    return ops.linear(h, contract);
  });
}

/** `Block`: norm, attention and feed-forward part, one after the other or side by side. */
function layer(block: Block, config: LitGptConfig): (ops: Operations, args: readonly Argument[]) => Tensor {
  const { scope } = block;
  const { hidden, parallelResidual, sharedNorm, postNorms } = config;
  const identity: Norm = (_, x) => x;
  const attentionNorm = norm(scope, 'norm_1', hidden, config.norm);
  const attend = litGptAttention(scope.child('attn'), config, (ops, x, weight) => litGptRmsNorm(ops, x, weight, false));
  const afterAttention = postNorms ? norm(scope, 'post_attention_norm', hidden, config.norm) : identity;
  const feedNorm = sharedNorm ? null : norm(scope, 'norm_2', hidden, config.norm);
  const feed = feedForward(scope.child('mlp'), config);
  const afterFeed = postNorms ? norm(scope, 'post_mlp_norm', hidden, config.norm) : identity;

  return (ops, args) =>
    ops.block(block, args, ([input, cos, sin]) => {
      const x = input!;
      let normed = ops.keep(attentionNorm(ops, x));
      let attended = ops.keep(attend(ops, normed, cos!, sin!));
      if (postNorms) attended = ops.rebind(attended, afterAttention(ops, attended));
      if (parallelResidual && feedNorm !== null) normed = ops.rebind(normed, feedNorm(ops, x));
      const middle = ops.keep(ops.add(attended, x));
      if (!parallelResidual) normed = ops.rebind(normed, feedNorm!(ops, middle));
      return ops.add(afterFeed(ops, feed(ops, normed)), middle);
    });
}

interface Decoder {
  table: Parameter;
  run(ops: Operations, ids: Tensor): Tensor;
}

function decoder(root: Scope, config: LitGptConfig): Decoder {
  const { layers, hidden, vocabulary, rotarySize } = config;
  const scope = root.child('transformer');
  const table = scope.embedding('wte', vocabulary, hidden);
  const h = scope.child('h');
  const blocks = Array.from({ length: layers }, (_, i) => layer(h.block(String(i)), config));
  const finalNorm = norm(scope, 'ln_f', hidden, config.norm);
  return {
    table,
    run: (ops, ids) => {
      const length = ids.shape[1]!;
      const cos = ops.keep(ops.create('rope_cache', [1, length, rotarySize], float32));
      const sin = ops.keep(ops.create('rope_cache', [1, length, rotarySize], float32));
      let x = ops.keep(ops.embedding(ids, table));
      if (config.scalesEmbeddings) x = ops.rebind(x, ops.mulScalar(x));
      for (const block of blocks) x = ops.rebind(x, block(ops, [x, cos, sin]));
      return ops.rebind(x, finalNorm(ops, x));
    },
  };
}

/** Rows of logits at a time in litgpt's fine-tuning of adapters (`lm_head_chunk_size` in finetune/lora.py). */
const HEAD_CHUNK = 128;

function finished(ops: Operations, logits: Tensor, { softCaps }: LitGptConfig): Tensor {
  return softCaps.logits ? ops.mulScalar(ops.tanh(ops.mulScalar(logits))) : logits;
}

/** `GPT.forward`: logits of all tokens, or in pieces of the sequence where adapters are trained. */
function gpt(body: Decoder, head: Linear, { config, adapted }: { config: LitGptConfig; adapted: boolean }) {
  return module((ops, ids: Tensor): Tensor[] => {
    const x = body.run(ops, ids);
    if (!adapted) return [finished(ops, ops.linear(x, head), config)];
    const length = ids.shape[1]!;
    const sizes = Array.from({ length: Math.ceil(length / HEAD_CHUNK) }, (_, i) =>
      Math.min(HEAD_CHUNK, length - i * HEAD_CHUNK),
    );
    const pieces = ops.split(x, sizes, 1).map((piece) => ops.keep(piece));
    return pieces.map((piece) => ops.keep(finished(ops, ops.linear(piece, head), config)));
  });
}

/** `litgpt.GPT` (and `litgpt.lora.GPT`) with the loss of its training scripts. */
export function litGpt(
  read: (model: ResolvedModel) => LitGptConfig,
  model: ResolvedModel,
  { adapted }: RankView,
): Architecture {
  const config = read(model);
  const root = Scope.root();
  const head = root.linear('lm_head', config.hidden, config.vocabulary, { bias: config.headBias });
  const body = decoder(root, config);
  const logitsOf = gpt(body, head, { config, adapted });
  const step = module((ops, ids: Tensor, labels: Tensor): [Tensor, ...Tensor[]] => {
    const logits = logitsOf(ops, ids).map((piece) => ops.keep(piece));
    const loss = adapted ? chunkedHeadLoss(ops, logits, labels) : chunkedLogitsLoss(ops, logits[0]!, labels);
    return [loss, ...logits];
  });
  return completeArchitecture({
    name: model.name,
    task: 'causal-lm',
    root,
    inputTable: body.table,
    inputs: (sizes) => tokenInputs(sizes).filter(({ name }) => name !== 'attention_mask'),
    forward: (ops, batch) => {
      const [loss, ...outputs] = step(ops, input(batch, 'input_ids'), input(batch, 'labels'));
      return { loss, outputs };
    },
  });
}
