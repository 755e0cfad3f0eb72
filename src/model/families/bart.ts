import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { bool, float32, int32, int64 } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { additiveCausalMask, expandedMask, findNothingMasked } from '../modules/additive-masks.js';
import { sequenceToSequenceInputs, tokenBatch } from '../modules/text-inputs.js';
import type { Block, Linear, Normalisation, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Argument, Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface StackSizes {
  layers: number;
  heads: number;
  intermediate: number;
}

/** What a model type does otherwise than BART. */
interface Kind {
  /** Norms before attention and feed-forward part, and one at the end of each stack. */
  normsFirst: boolean;
  /** A norm of the embeddings. */
  embeddingNorm: boolean;
  /**
   * Learned rows, looked up behind two spare ones for each sequence (`offset`) or once (`learned`); rows of sines that are
   * parameters without a gradient (`sines`) or a buffer, of places counted over what is not padding (`counted`).
   */
  positions: 'offset' | 'learned' | 'sines' | 'counted';
  /** The last token of the labels goes to the front of the decoder's input. */
  wraps: boolean;
  /** The mask of the decoder's own tokens keeps its name. */
  keepsOnes: boolean;
  logitsBias: boolean;
}

const BART: Kind = {
  normsFirst: false,
  embeddingNorm: true,
  positions: 'offset',
  wraps: false,
  keepsOnes: false,
  logitsBias: true,
};

const KINDS: Readonly<Record<string, Kind>> = {
  bart: BART,
  mbart: { ...BART, normsFirst: true, wraps: true, keepsOnes: true },
  pegasus: { ...BART, normsFirst: true, embeddingNorm: false, positions: 'sines', keepsOnes: true },
  marian: { ...BART, embeddingNorm: false, positions: 'sines', keepsOnes: true },
  blenderbot: { ...BART, normsFirst: true, embeddingNorm: false, positions: 'learned', keepsOnes: true },
  'blenderbot-small': { ...BART, positions: 'learned', keepsOnes: true },
  m2m_100: { ...BART, normsFirst: true, embeddingNorm: false, positions: 'counted', logitsBias: false },
};

interface BartConfig extends Kind {
  hidden: number;
  vocabulary: number;
  positionRows: number;
  encoder: StackSizes;
  decoder: StackSizes;
  dropout: number;
  attentionDropout: number;
  activationDropout: number;
  tied: boolean;
  act: Activation;
}

/** Rows of the position table before the first position (BartLearnedPositionalEmbedding). */
const POSITION_OFFSET = 2;

function read(model: ResolvedModel): BartConfig {
  const config = new ConfigReader(model);
  const heads = config.size('num_attention_heads', 16);
  const width = config.size('intermediate_size', 4096);
  const layers = config.size('num_hidden_layers', 12);
  const kind = KINDS[model.modelType] ?? BART;
  const spareRows = kind.positions === 'offset' || kind.positions === 'counted' ? POSITION_OFFSET : 0;
  const stack = (name: 'encoder' | 'decoder'): StackSizes => ({
    layers: config.size([`${name}_layers`, `num_${name}_layers`], layers),
    heads: config.size(`${name}_attention_heads`, heads),
    intermediate: config.size(`${name}_ffn_dim`, width),
  });
  return {
    hidden: config.size(['d_model', 'hidden_size'], 1024),
    vocabulary: config.size('vocab_size', 50265),
    positionRows: config.size('learned_positions', config.size('max_position_embeddings', 1024) + spareRows),
    encoder: stack('encoder'),
    decoder: stack('decoder'),
    ...kind,
    dropout: config.number('dropout', 0.1),
    attentionDropout: config.number('attention_dropout', 0),
    activationDropout: config.number('activation_dropout', 0),
    tied: config.flag('tie_word_embeddings', true),
    act: activation(config.text(['activation_function', 'hidden_act'], 'gelu')),
  };
}

/** Softmax in the scores' type, in Python. */
function eagerAttention(
  ops: Operations,
  [query, key, value]: readonly [Tensor, Tensor, Tensor],
  mask: Argument,
  dropout: number,
): [Tensor, Tensor] {
  ops.enter([query, key, value, mask]);
  let weights = ops.keep(ops.mulScalar(ops.matmul(query, ops.transpose(key, 2, 3))));
  if (mask !== null) weights = ops.rebind(weights, ops.add(weights, mask));
  weights = ops.rebind(weights, ops.softmax(weights));
  weights = ops.rebind(weights, ops.dropout(weights, dropout));
  const attended = ops.keep(ops.matmul(weights, value));
  return ops.leave([ops.rebind(attended, ops.contiguous(ops.transpose(attended, 1, 2))), weights]);
}

type Attend = (ops: Operations, x: Tensor, mask: Argument, source: Argument) => readonly [Tensor, Tensor | null];

function attention(scope: Scope, config: BartConfig, kind: { heads: number; causal: boolean }): Attend {
  const { hidden } = config;
  const size = hidden / kind.heads;
  const [keys, values, queries, output] = ['k_proj', 'v_proj', 'q_proj', 'out_proj'].map((name) =>
    scope.linear(name, hidden, hidden),
  ) as [Linear, Linear, Linear, Linear];
  return module((ops, x: Tensor, mask: Argument, source: Argument) => {
    const [batch, length] = x.shape as readonly [number, number];
    const intoHeads = (h: Tensor): Tensor => ops.transpose(ops.view(h, [batch, -1, kind.heads, size]), 1, 2);
    const query = ops.keep(intoHeads(ops.linear(x, queries)));
    const current = source ?? x;
    let key = ops.keep(ops.linear(current, keys));
    let value = ops.keep(ops.linear(current, values));
    key = ops.rebind(key, intoHeads(key));
    value = ops.rebind(value, intoHeads(value));
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [attended, weights] =
      ops.attention === 'eager'
        ? eagerAttention(ops, [query, key, value], mask, dropout)
        : [fusedAttention(ops, [query, key, value], { mask, causal: kind.causal && mask === null, dropout }), null];
    let out = ops.keep(attended);
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.contiguous(ops.reshape(out, [batch, length, hidden])));
    out = ops.rebind(out, ops.linear(out, output));
    return [out, weights] as const;
  });
}

const fusedAttention = (
  ops: Operations,
  [query, key, value]: readonly [Tensor, Tensor, Tensor],
  options: { mask: Argument; causal: boolean; dropout: number },
): Tensor => ops.contiguous(ops.transpose(ops.scaledDotProductAttention(query, key, value, options), 1, 2));

/** Runs the steps of a part of a layer over `h` with a residual around them and its norm before or after. */
function residualPart(
  ops: Operations,
  h: Tensor,
  { norm, config }: { norm: Normalisation; config: BartConfig },
  steps: readonly ((h: Tensor) => Tensor)[],
): Tensor {
  const residual = ops.keep(h);
  const bind = (old: Tensor, value: Tensor): Tensor => (value === old ? old : ops.rebind(old, value));
  let out = config.normsFirst ? ops.rebind(h, ops.layerNorm(h, norm)) : h;
  for (const step of steps) out = bind(out, step(out));
  out = bind(out, ops.dropout(out, ops.dropoutOf(config.dropout)));
  out = ops.rebind(out, ops.add(residual, out));
  if (!config.normsFirst) out = ops.rebind(out, ops.layerNorm(out, norm));
  ops.drop(residual);
  return out;
}

/** A layer's output and, of eager attention, its own and its cross-attention's probabilities. */
type Layer = (ops: Operations, args: readonly Argument[]) => readonly (Tensor | null)[];

function layer(block: Block, config: BartConfig, stack: { sizes: StackSizes; decoder: boolean }): Layer {
  const { scope } = block;
  const { hidden } = config;
  const { heads, intermediate } = stack.sizes;
  const attend = attention(scope.child('self_attn'), config, { heads, causal: stack.decoder });
  const norm = scope.layerNorm('self_attn_layer_norm', hidden);
  const cross = stack.decoder ? attention(scope.child('encoder_attn'), config, { heads, causal: false }) : null;
  const crossNorm = stack.decoder ? scope.layerNorm('encoder_attn_layer_norm', hidden) : null;
  const expand = scope.linear('fc1', hidden, intermediate);
  const contract = scope.linear('fc2', intermediate, hidden);
  const finalNorm = scope.layerNorm('final_layer_norm', hidden);

  return (ops, args) =>
    ops.block(block, args, ([x, mask, source, sourceMask]) => {
      const attended = (run: Attend, h: Tensor, [own, from]: readonly [Argument, Argument]): Tensor => {
        const [out, weights] = run(ops, h, own, from);
        if (weights !== null) ops.keep(weights);
        return out;
      };
      let h = residualPart(ops, ops.keep(x!), { norm, config }, [(at) => attended(attend, at, [mask!, null])]);
      if (cross !== null) {
        const step = (at: Tensor): Tensor => attended(cross, at, [sourceMask!, source!]);
        h = residualPart(ops, h, { norm: crossNorm!, config }, [step]);
      }
      h = residualPart(ops, h, { norm: finalNorm, config }, [
        (at) => config.act(ops, ops.linear(at, expand)),
        (at) => ops.dropout(at, ops.dropoutOf(config.activationDropout)),
        (at) => ops.linear(at, contract),
      ]);
      return [h] as const;
    });
}

/** Mask over the tokens of the source: none where SDPA finds nothing masked. */
function sourceMaskOf(ops: Operations, mask: Tensor, queries: number, like: Tensor): Tensor | null {
  if (ops.attention === 'eager') return ops.keep(expandedMask(ops, mask, queries, like.dtype));
  if (ops.attention === 'sdpa') findNothingMasked(ops, mask);
  return null;
}

/** Rows of positions: for each sequence of the source, or those of the target, whose places are known, once. */
type Positions = (ops: Operations, ids: Tensor, places: Tensor | null) => Tensor;

/** `create_position_ids_from_input_ids`: how many tokens that are not padding come before each. */
const countedPlaces = module((ops, { shape }: Tensor): Tensor => {
  ops.keep(ops.derive('to_copy', [ops.derive('ne', [], shape, bool)], shape, int32));
  const sums = ops.derive('to_copy', [ops.derive('cumsum', [], shape, int64)], shape, int32);
  ops.keep(ops.derive('mul', [ops.derive('add', [sums], shape, int32)], shape, int32));
  return ops.derive('add', [ops.derive('to_copy', [], shape, int64)], shape, int64);
});

function positionRows(scope: Scope, config: BartConfig): Positions {
  const { hidden, positionRows: rows, positions: kind } = config;
  if (kind === 'counted') {
    const sines = scope.child('embed_positions').buffer('weights', [rows, hidden]);
    return module((ops, ids: Tensor) => {
      const places = ops.keep(countedPlaces(ops, ids));
      return ops.derive('index_select', [places], [...ids.shape, hidden], ops.buffer(sines).dtype);
    });
  }
  const table = scope.embedding('embed_positions', rows, hidden, { frozen: kind === 'sines' });
  return module((ops, ids: Tensor, places: Tensor | null): Tensor => {
    const [batch, length] = ids.shape as readonly [number, number];
    const own = places ?? ops.keep(ops.create('arange', [length], int64));
    if (kind !== 'offset') return ops.embedding(own, table);
    const count = places === null ? batch : 1;
    return ops.embedding(ops.derive('add', [], [count, length], int64), table);
  });
}

type Stack = (ops: Operations, ids: Tensor, mask: Tensor, source: Argument) => Tensor;

function stackOf(scope: Scope, config: BartConfig, table: Parameter, decoder: boolean): Stack {
  const { hidden } = config;
  const sizes = decoder ? config.decoder : config.encoder;
  scope.child('embed_tokens').tie(table);
  const positionsOf = positionRows(scope, config);
  const parent = scope.child('layers');
  const layers = Array.from({ length: sizes.layers }, (_, i) =>
    layer(parent.block(String(i)), config, { sizes, decoder }),
  );
  const embeddingNorm = config.embeddingNorm ? scope.layerNorm('layernorm_embedding', hidden) : null;
  const finalNorm = config.normsFirst ? scope.layerNorm('layer_norm', hidden) : null;

  const looked = (ops: Operations, ids: Tensor): Tensor => ops.keep(ops.mulScalar(ops.embedding(ids, table)));

  /** The sum of embeddings and positions; for the decoder also its mask, that of the source, and its positions. */
  const begin = (ops: Operations, ids: Tensor, mask: Tensor): [Tensor, ...Argument[]] => {
    const embeds = looked(ops, ids);
    if (!decoder) {
      const h = ops.keep(ops.add(embeds, ops.keep(positionsOf(ops, ids, null))));
      return [h];
    }
    const [batch, length] = ids.shape as readonly [number, number];
    const positions = ops.keep(ops.create('arange', [length], int64));
    const ones = ops.keep(ops.create('ones', [batch, length], float32));
    const eager = ops.attention === 'eager';
    if (ops.attention === 'sdpa') findNothingMasked(ops, ones);
    const own = eager ? ops.keep(additiveCausalMask(ops, ones, positions, embeds.dtype)) : null;
    if (!config.keepsOnes) ops.drop(ones);
    const sourceMask = sourceMaskOf(ops, mask, length, embeds);
    const rows = positionsOf(ops, ids, positions);
    return [ops.keep(ops.add(embeds, ops.keep(rows))), own, sourceMask, positions];
  };

  return module((ops, ids: Tensor, mask: Tensor, source: Argument): Tensor => {
    const [start, decoderMask = null, sourceMask = null, positions = null] = begin(ops, ids, mask);
    let h = embeddingNorm === null ? start : ops.rebind(start, ops.layerNorm(start, embeddingNorm));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    const own = decoder ? decoderMask : sourceMaskOf(ops, mask, ids.shape[1]!, h);
    for (const run of layers) {
      const [next] = run(ops, [h, own, source, sourceMask, positions]);
      h = ops.rebind(h, next!);
    }
    return finalNorm === null ? h : ops.layerNorm(h, finalNorm);
  });
}

/** `shift_tokens_right`: labels as the decoder's input. */
const shiftRight = module((ops, labels: Tensor): Tensor => {
  const shifted = ops.keep(ops.create('new_zeros', labels.shape, int64));
  ops.drop(ops.derive('clone', [], [labels.shape[0]!, labels.shape[1]! - 1], int64));
  ops.drop(ops.derive('eq', [], labels.shape, bool));
  return shifted;
});

/** mBART's `shift_tokens_right`: the last token that is not padding goes to the front. */
const wrapAround = module((ops, labels: Tensor): Tensor => {
  const { shape } = labels;
  const batch = shape[0]!;
  const wrapped = ops.keep(ops.create('clone', shape, int64));
  ops.drop(ops.derive('eq', [], shape, bool));
  const count = ops.derive('sum', [ops.derive('ne', [], shape, bool)], [batch], int64);
  ops.keep(ops.derive('sub', [count], [batch], int64));
  ops.keep(ops.create('gather', [batch], int64));
  ops.drop(ops.derive('clone', [], [batch, shape[1]! - 1], int64));
  return wrapped;
});

/** BART and its kind with their language-model heads (transformers' `*ForConditionalGeneration`, MarianMTModel). */
export function bart(model: ResolvedModel): Architecture {
  const config = read(model);
  const root = Scope.root();
  const body = root.child('model');
  const table = body.embedding('shared', config.vocabulary, config.hidden);
  const encode = stackOf(body.child('encoder'), config, table, false);
  const decode = stackOf(body.child('decoder'), config, table, true);
  const bias = config.logitsBias ? root.buffer('final_logits_bias', [1, config.vocabulary]) : null;
  const tiedTo = config.tied ? table : undefined;
  const head = root.linear('lm_head', config.hidden, config.vocabulary, { bias: false, tiedTo });

  const forward = module((ops, ids: Tensor, mask: Tensor, labels: Tensor): [Tensor, Tensor, Tensor] => {
    const decoderIds = ops.keep((config.wraps ? wrapAround : shiftRight)(ops, labels));
    const encoded = ops.keep(encode(ops, ids, mask, null));
    const h = ops.keep(decode(ops, decoderIds, mask, encoded));
    let logits = ops.keep(ops.linear(h, head));
    if (bias !== null) logits = ops.rebind(logits, ops.add(logits, ops.buffer(bias)));
    const loss = ops.loss(() => ops.crossEntropy(ops.view(logits, [-1, config.vocabulary]), ops.view(labels, [-1])));
    return [loss, logits, encoded];
  });
  return completeArchitecture({
    name: model.name,
    task: 'seq2seq',
    root,
    inputTable: table,
    inputs: sequenceToSequenceInputs,
    forward: (ops, batch) => {
      const [loss, logits, encoded] = forward(ops, ...tokenBatch(batch));
      return { loss, outputs: [logits, encoded] };
    },
  });
}
