import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { int64 } from '../dtype.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { selectedRowsLoss } from '../modules/language-model-loss.js';
import { Scope } from '../module-tree.js';
import type { ModelConfig, ResolvedModel } from '../resolved-model.js';
import { partOf } from '../config-parts.js';
import { readLlama } from './llama-config.js';
import { llamaDecoder } from './llama.js';

/** Defaults of `Gemma3TextConfig`, which released configurations rely on. */
const TEXT_DEFAULTS: ModelConfig = {
  vocab_size: 262208,
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  sliding_window: 4096,
};

/** SigLIP's transformer, declared and not run. */
function visionTower(scope: Scope, config: ConfigReader, hasHead: boolean): number {
  const hidden = config.size('hidden_size', 768);
  const intermediate = config.size('intermediate_size', 3072);
  const patch = config.size('patch_size', 16);
  const side = Math.floor(config.size('image_size', 224) / patch);
  const embeddings = scope.child('embeddings');
  embeddings.conv2d('patch_embedding', config.size('num_channels', 3), hidden, { kernel: patch, stride: patch });
  embeddings.embedding('position_embedding', side * side, hidden);
  embeddings.buffer('position_ids', [1, side * side], int64);
  const layers = scope.child('encoder').child('layers');
  for (let i = 0; i < config.size('num_hidden_layers', 12); i++) {
    const layer = layers.child(String(i));
    layer.layerNorm('layer_norm1', hidden);
    const attention = layer.child('self_attn');
    for (const name of ['k_proj', 'v_proj', 'q_proj', 'out_proj']) attention.linear(name, hidden, hidden);
    layer.layerNorm('layer_norm2', hidden);
    feedForward(layer.child('mlp'), hidden, intermediate);
  }
  scope.layerNorm('post_layernorm', hidden);
  if (hasHead) poolingHead(scope.child('head'), hidden, intermediate);
  return hidden;
}

function feedForward(scope: Scope, hidden: number, intermediate: number): void {
  scope.linear('fc1', hidden, intermediate);
  scope.linear('fc2', intermediate, hidden);
}

function poolingHead(scope: Scope, hidden: number, intermediate: number): void {
  scope.parameter('probe', [1, 1, hidden]);
  const attention = scope.child('attention');
  attention.parameter('in_proj_weight', [3 * hidden, hidden]);
  attention.parameter('in_proj_bias', [3 * hidden]);
  attention.linear('out_proj', hidden, hidden);
  scope.layerNorm('layernorm', hidden);
  feedForward(scope.child('mlp'), hidden, intermediate);
}

/**
 * Gemma 3 for text and images (transformers' Gemma3ForConditionalGeneration), trained on text alone: its vision tower and
 * projector lie in memory, and nothing runs through them.
 */
export function gemma3(model: ResolvedModel, task: Task): Architecture {
  const text = partOf(model, ['text_config']) ?? model.config;
  const vision = partOf(model, ['vision_config', 'vision']);
  const whole = new ConfigReader(model);
  if (vision === null) throw whole.unsupported('its configuration has no vision_config');
  const tied = whole.flag('tie_word_embeddings', true);
  const config = readLlama({ ...model, modelType: 'gemma3_text', config: { ...TEXT_DEFAULTS, ...text } });
  const root = Scope.root();
  const scope = root.child('model');
  const visionConfig = new ConfigReader({ ...model, config: vision });
  const tower = scope.child('vision_tower').child('vision_model');
  const hasHead = visionConfig.flag('vision_use_head', partOf(model, ['vision_config']) !== null);
  const visionWidth = visionTower(tower, visionConfig, hasHead);
  const projector = scope.child('multi_modal_projector');
  projector.parameter('mm_input_projection_weight', [visionWidth, config.hidden]);
  projector.child('mm_soft_emb_norm').parameter('weight', [visionWidth]);
  const body = llamaDecoder(scope.child('language_model'), config);
  const { hidden, vocabulary } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied, ownLoss: selectedRowsLoss });
}
