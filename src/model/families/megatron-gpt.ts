import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import { completeArchitecture, input } from '../definition.js';
import { int64 } from '../dtype.js';
import type { Block, Normalisation, Parameter } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import { gatherRanks, sumOfRanks } from '../modules/rank-exchange.js';
import { splitEvenly } from '../modules/split-layers.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { RankView } from '../rank-view.js';
import type { ResolvedModel } from '../resolved-model.js';
import { megatronAttention } from './megatron-attention.js';
import type { MegatronConfig } from './megatron-config.js';
import { readMegatron } from './megatron-config.js';
import { megatronMixture } from './megatron-moe.js';

type Norm = (ops: Operations, x: Tensor) => Tensor;

/** Layer or RMS norm, each one kernel that keeps its input and some sums (Transformer Engine, Apex). */
export function megatronNorm(scope: Scope, name: string, { hidden, normalisation }: MegatronConfig): Norm {
  const layer: Normalisation =
    normalisation === 'LayerNorm'
      ? scope.layerNorm(name, hidden)
      : { weight: scope.child(name).parameter('weight', [hidden]), bias: null };
  return (ops, x) => ops.layerNorm(x, layer);
}

/** The feed-forward part of a layer: dense, or experts with what all tokens pass beside them. */
function feeding(scope: Scope, config: MegatronConfig, layer: number): (ops: Operations, x: Tensor) => Tensor {
  const { mixture } = config;
  if (mixture === null || layer < mixture.denseLayers) return feedForward(scope, config, config.intermediate);
  const shared = mixture.shared > 0 ? feedForward(scope.child('shared_experts'), config, mixture.shared) : null;
  return megatronMixture(scope, config, shared);
}

function feedForward(scope: Scope, config: MegatronConfig, intermediate: number) {
  const { hidden, view, bias, gated } = config;
  const width = splitEvenly(intermediate, view.tensor);
  const inner = scope.linear('linear_fc1', hidden, gated ? 2 * width : width, { bias });
  const outer = scope.linear('linear_fc2', width, hidden, { bias: false });
  return module((ops, x: Tensor): Tensor => {
    const between = ops.keep(ops.gatheredLinear(x, inner, gatherRanks(view)));
    const activated = ops.section('mlp_act', [between], ([values]) => activate(ops, values!, inner.bias, config));
    return sumOfRanks(ops, ops.gatheredLinear(activated, outer, 1), view);
  });
}

function activate(ops: Operations, x: Tensor, bias: Parameter | null, { gated }: MegatronConfig): Tensor {
  return gated ? ops.fusedSwiglu(x) : ops.biasGelu(x, bias && ops.parameter(bias));
}

function transformerLayer(block: Block, config: MegatronConfig, layer: number) {
  const { scope } = block;
  const inputNorm = megatronNorm(scope, 'input_layernorm', config);
  const attend = megatronAttention(scope.child('self_attention'), config);
  const feedNorm = megatronNorm(scope, 'pre_mlp_layernorm', config);
  const feed = feeding(scope.child('mlp'), config, layer);
  const outputBias = config.bias ? scope.parameter('attention_bias', [config.hidden]) : null;
  const feedBias = config.bias ? scope.parameter('mlp_bias', [config.hidden]) : null;
  const biasOf = (ops: Operations, bias: Parameter | null): Tensor | null => bias && ops.parameter(bias);
  return (ops: Operations, x: Tensor): Tensor =>
    ops.block(block, [x], ([given]) => {
      const dropout = ops.dropoutOf(config.hiddenDropout);
      const attended = attend(ops, inputNorm(ops, given!));
      const h = ops.keep(ops.biasDropoutAdd(attended, biasOf(ops, outputBias), given!, dropout));
      const fed = ops.section('mlp', [h], ([state]) => feed(ops, feedNorm(ops, state!)));
      return ops.biasDropoutAdd(fed, biasOf(ops, feedBias), h, dropout);
    });
}

interface Tables {
  words: Parameter | null;
  positions: Parameter | null;
}

/** Rows of a word table are spread over ranks; [batch, length] becomes [length, batch, hidden]. */
function embed(ops: Operations, ids: Tensor, { words, positions }: Tables, config: MegatronConfig): Tensor {
  let h = ops.keep(ops.embedding(ids, words!));
  if (positions !== null) {
    const places = ops.create('arange', [1, ids.shape[1]!], int64);
    h = ops.rebind(h, ops.add(h, ops.embedding(places, positions)));
  }
  h = ops.rebind(h, ops.contiguous(ops.transpose(h, 0, 1)));
  h = ops.rebind(h, sumOfRanks(ops, h, config.view));
  return ops.dropout(h, ops.dropoutOf(config.hiddenDropout));
}

/** Decoder layers of Megatron-core on one rank and in one pipeline stage (megatron/core/models/gpt/gpt_model.py). */
export function megatronGpt(model: ResolvedModel, view: RankView): Architecture {
  const config = readMegatron(model, view);
  const { hidden, layers, vocabulary } = config;
  const stage = view.stage ?? { from: 0, to: layers, embeds: true, hasHead: true };
  const root = Scope.root();
  const rows = splitEvenly(vocabulary, view.tensor);
  const words = stage.embeds ? root.embedding('word_embeddings', rows, hidden) : null;
  const learned = stage.embeds && config.positions !== null;
  const positions = learned ? root.embedding('position_embeddings', config.positions!, hidden) : null;
  const parent = root.child('layers');
  const count = Math.max(0, Math.min(stage.to, layers) - stage.from);
  const blocks = Array.from({ length: count }, (_, i) =>
    transformerLayer(parent.block(String(i)), config, stage.from + i),
  );
  const finalNorm = stage.hasHead ? megatronNorm(root, 'final_layernorm', config) : null;
  const tiedTo = config.tied && words !== null ? words : undefined;
  const head = stage.hasHead ? root.linear('output_layer', hidden, rows, { bias: false, tiedTo }) : null;

  const run = module((ops, given: Tensor, labels: Tensor | null): [Tensor] => {
    let h = ops.keep(stage.embeds ? embed(ops, given, { words, positions }, config) : ops.view(given, given.shape));
    for (const block of blocks) h = ops.rebind(h, block(ops, h));
    if (head === null || finalNorm === null || labels === null) return [h];
    h = ops.rebind(h, finalNorm(ops, h));
    const logits = ops.keep(ops.gatheredLinear(h, head, gatherRanks(view)));
    const losses = ops.keep(ops.vocabParallelCrossEntropy(logits, ops.view(labels, labels.shape)));
    return [ops.sum(losses, [0, 1], false)];
  });
  return completeArchitecture({
    name: model.name,
    task: 'causal-lm',
    root,
    ...(words === null ? {} : { inputTable: words }),
    inputs: (sizes) => stageInputs(sizes, config, stage),
    forward: (ops, batch) => {
      const labels = stage.hasHead ? input(batch, 'labels') : null;
      const [loss] = run(ops, input(batch, stage.embeds ? 'tokens' : 'hidden_states'), labels);
      return { loss, outputs: [] };
    },
  });
}

/** Tokens, labels, loss mask and positions of a batch; a later stage receives what the one before it computed. */
function stageInputs(
  { batch, sequence, dtype }: BatchSizes,
  { hidden, view }: MegatronConfig,
  stage: { embeds: boolean; hasHead: boolean },
): InputSpec[] {
  const length = splitEvenly(sequence, view.context);
  const ints = (name: string): InputSpec => ({ name, shape: [batch, length], dtype: int64, madeBy: 'broadcast' });
  const ends = stage.embeds || stage.hasHead ? ['tokens', 'labels', 'loss_mask', 'position_ids'].map(ints) : [];
  const part = view.sequence ? splitEvenly(length, view.tensor) : length;
  const received = { name: 'hidden_states', shape: [part, batch, hidden], dtype, madeBy: 'recv', received: true };
  return stage.embeds ? ends : [...ends, received];
}
