import type { Architecture } from '../definition.js';
import { float32 } from '../dtype.js';
import type { DecoderBody } from '../modules/causal-language-model.js';
import { causalLanguageModel } from '../modules/causal-language-model.js';
import { beginDecoder, keepRotaryTable } from '../modules/decoder-start.js';
import { groupedAttention } from '../modules/grouped-attention.js';
import { mixtureOfExperts } from '../modules/mixture-of-experts.js';
import { applyRotary } from '../modules/rotary.js';
import type { LlamaConfig } from './llama-variants.js';
import { readLlama } from './llama-variants.js';
import type { Block, Linear, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

type Attention = (ops: Operations, x: Tensor, around: Around) => [Tensor, Tensor | null];

/** What every layer is given beside its input. */
interface Around {
  cos: Tensor;
  sin: Tensor;
  mask: Tensor | null;
}

function attention(scope: Scope, config: LlamaConfig): Attention {
  const { hidden, heads, keyValueHeads, headSize, queryKeyValueBias: bias } = config;
  const queryProjection = scope.linear('q_proj', hidden, heads * headSize, { bias });
  const keyProjection = scope.linear('k_proj', hidden, keyValueHeads * headSize, { bias });
  const valueProjection = scope.linear('v_proj', hidden, keyValueHeads * headSize, { bias });
  const output = scope.linear('o_proj', heads * headSize, hidden, { bias: config.outputBias });
  const { headNorms } = config;
  const queryNorm = headNorms ? scope.child('q_norm').parameter('weight', [headSize]) : null;
  const keyNorm = headNorms ? scope.child('k_norm').parameter('weight', [headSize]) : null;

  const project = (ops: Operations, x: Tensor, layer: Linear, norm: Parameter | null): Tensor => {
    const heads = ops.view(ops.linear(x, layer), [x.shape[0]!, x.shape[1]!, layer.outFeatures / headSize, headSize]);
    return ops.transpose(norm !== null && headNorms === 'each' ? config.norm(ops, heads, norm) : heads, 1, 2);
  };

  return (ops, x, { cos, sin, mask }) => {
    ops.enter([x, cos, sin, mask]);
    let query = ops.keep(project(ops, x, queryProjection, queryNorm));
    let key = ops.keep(project(ops, x, keyProjection, keyNorm));
    const value = ops.keep(project(ops, x, valueProjection, null));
    if (headNorms === 'together') {
      query = ops.rebind(query, config.norm(ops, query, queryNorm!));
      key = ops.rebind(key, config.norm(ops, key, keyNorm!));
    }
    const [rotatedQuery, rotatedKey] = applyRotary(ops, [query, key], [cos, sin]);
    query = ops.rebind(query, rotatedQuery);
    key = ops.rebind(key, rotatedKey);
    const dropout = ops.dropoutOf(config.dropout);
    const [attended, weights] = groupedAttention(ops, {
      query,
      key,
      value,
      mask,
      dropout,
      softCap: config.softCaps.attention,
    });
    if (weights !== null) ops.keep(weights);
    let out = ops.keep(ops.contiguous(ops.reshape(ops.keep(attended), [x.shape[0]!, x.shape[1]!, -1])));
    out = ops.rebind(out, ops.linear(out, output));
    return ops.leave([out, weights]);
  };
}

function feedForward(scope: Scope, { hidden, intermediate, mlpBias: bias, act }: LlamaConfig) {
  const gate = scope.linear('gate_proj', hidden, intermediate, { bias });
  const up = scope.linear('up_proj', hidden, intermediate, { bias });
  const down = scope.linear('down_proj', intermediate, hidden, { bias });
  return module((ops, x: Tensor): Tensor =>
    ops.linear(ops.mul(act(ops, ops.linear(x, gate)), ops.linear(x, up)), down),
  );
}

/** The feed-forward part: dense, or experts, whose router's logits are returned beside. */
function feeding(scope: Scope, config: LlamaConfig): (ops: Operations, x: Tensor) => [Tensor, Tensor | null] {
  const { mixture, hidden, act } = config;
  if (mixture !== null) return mixtureOfExperts(scope.child(mixture.block), { ...mixture.sizes, hidden, act });
  const mlp = feedForward(scope.child('mlp'), config);
  return (ops, x) => [mlp(ops, x), null];
}

type Layer = (ops: Operations, args: readonly Argument[]) => Tensor;

/** A norm by its module's name; nothing where the model has none there. */
function normalising(scope: Scope, name: string, { hidden, norm }: LlamaConfig) {
  const weight = scope.child(name).parameter('weight', [hidden]);
  return (ops: Operations, x: Tensor): Tensor => norm(ops, x, weight);
}

function decoderLayer(block: Block, config: LlamaConfig): Layer {
  const { scope } = block;
  const { sandwichNorms } = config;
  const attend = attention(scope.child('self_attn'), config);
  const feed = feeding(scope, config);
  const inputNorm = normalising(scope, 'input_layernorm', config);
  const attentionNorm = normalising(scope, 'post_attention_layernorm', config);
  const feedNorm = sandwichNorms ? normalising(scope, 'pre_feedforward_layernorm', config) : attentionNorm;
  const outputNorm = sandwichNorms ? normalising(scope, 'post_feedforward_layernorm', config) : null;
  const addTo = (ops: Operations, residual: Tensor, h: Tensor): Tensor =>
    ops.add(residual, config.scales.residual ? ops.mulScalar(h) : h);

  return (ops, args) =>
    ops.block(block, args, ([x, mask, , cos, sin]) => {
      const residual = x!;
      let h = ops.keep(inputNorm(ops, residual));
      const [attended, weights] = attend(ops, h, { cos: cos!, sin: sin!, mask: mask! });
      h = ops.rebind(h, attended);
      if (weights !== null) ops.keep(weights);
      if (sandwichNorms) h = ops.rebind(h, attentionNorm(ops, h));
      h = ops.rebind(h, addTo(ops, residual, h));
      const second = ops.keep(h);
      h = ops.rebind(h, feedNorm(ops, h));
      const [fed, routed] = feed(ops, h);
      h = ops.rebind(h, fed);
      if (routed !== null) ops.keep(routed);
      if (outputNorm !== null) h = ops.rebind(h, outputNorm(ops, h));
      return addTo(ops, second, h);
    });
}

/** Tokens that a layer looks back at most; null: all. */
const windowOf = ({ slidingWindow, slides }: LlamaConfig, layer: number): number | null =>
  slidingWindow !== null && slides(layer) ? slidingWindow : null;

function decoder(scope: Scope, config: LlamaConfig): DecoderBody {
  const embedding = scope.child('embed_tokens');
  const table = embedding.parameter('weight', [config.vocabulary, config.hidden]);
  const scale = config.gemma3 ? embedding.buffer('embed_scale', []) : undefined;
  const layers = scope.child('layers');
  const blocks = Array.from({ length: config.layers }, (_, i) => decoderLayer(layers.block(String(i)), config));
  const finalNorm = scope.child('norm').parameter('weight', [config.hidden]);
  const frequencies = scope.child('rotary_emb').buffer('inv_freq', [config.headSize / 2], float32);
  const nearFrequencies = config.gemma3
    ? scope.child('rotary_emb_local').buffer('inv_freq', [config.headSize / 2], float32)
    : null;

  const windows = [...new Set(blocks.map((_, i) => windowOf(config, i)))].sort((a, b) => (a ?? -1) - (b ?? -1));
  const multiplied = config.scales.embeddings === 'before-mask';
  const run = module((ops, ids: Tensor, attentionMask: Tensor): Tensor => {
    const { embeds, positionIds, masks } = beginDecoder(ops, ids, attentionMask, { table, windows, scale, multiplied });
    let h = ops.keep(embeds);
    const far = keepRotaryTable(ops, h, positionIds, frequencies);
    const near = nearFrequencies === null ? far : keepRotaryTable(ops, h, positionIds, nearFrequencies);
    if (config.scales.embeddings === 'after-rotary') h = ops.rebind(h, ops.mulScalar(h));
    blocks.forEach((layer, i) => {
      const window = windowOf(config, i);
      const [own, other] = window === null ? [far, near] : [near, far];
      const unused = own === other ? [] : other;
      h = ops.rebind(h, layer(ops, [h, masks[windows.indexOf(window)]!, positionIds, ...own, ...unused]));
    });
    return config.norm(ops, h, finalNorm);
  });
  return { table, run };
}

/** What happens to the logits: soft capping (divide, tanh, multiply), or a division. */
function finishing({ softCaps, scales }: LlamaConfig): ((ops: Operations, logits: Tensor) => Tensor) | undefined {
  if (softCaps.logits) {
    return (ops, logits) => {
      const inner = ops.rebind(logits, ops.mulScalar(logits));
      const capped = ops.rebind(inner, ops.tanh(inner));
      return ops.rebind(capped, ops.mulScalar(capped));
    };
  }
  return scales.logits ? (ops, logits) => ops.rebind(logits, ops.mulScalar(logits)) : undefined;
}

/** Llama, Mistral, Mixtral, Qwen2, Qwen3, Gemma, Gemma 2 and Granite with a language-model head (transformers' *ForCausalLM). */
export function llama(model: ResolvedModel): Architecture {
  const config = readLlama(model);
  const root = Scope.root();
  const body = decoder(root.child('model'), config);
  const { hidden, vocabulary, tied } = config;
  const finish = finishing(config);
  return causalLanguageModel({ name: model.name, root, body, hidden, vocabulary, tied, finish });
}
