import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { ungroupedAttention } from '../modules/grouped-attention.js';
import { imageBatch, imageInputs } from '../modules/image-inputs.js';
import type { Block, Linear } from '../module-tree.js';
import { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface VitConfig {
  layers: number;
  hidden: number;
  heads: number;
  intermediate: number;
  image: number;
  patch: number;
  labels: number;
  bias: boolean;
  dropout: number;
  attentionDropout: number;
  act: Activation;
}

/** The head of the released checkpoints, where nothing says otherwise. */
const IMAGENET_CLASSES = 1000;

function read(model: ResolvedModel): VitConfig {
  const config = new ConfigReader(model);
  return {
    layers: config.size('num_hidden_layers', 12),
    hidden: config.size('hidden_size', 768),
    heads: config.size('num_attention_heads', 12),
    intermediate: config.size('intermediate_size', 3072),
    image: config.size('image_size', 224),
    patch: config.size('patch_size', 16),
    labels: config.size(['num_labels', 'num_classes'], IMAGENET_CLASSES),
    bias: config.flag('qkv_bias', true),
    dropout: config.number('hidden_dropout_prob', 0),
    attentionDropout: config.number('attention_probs_dropout_prob', 0),
    act: activation(config.text('hidden_act', 'gelu')),
  };
}

function embeddings(scope: Scope, { hidden, image, patch, dropout }: VitConfig) {
  const patches = Math.floor(image / patch) ** 2;
  const classToken = scope.parameter('cls_token', [1, 1, hidden]);
  const positions = scope.parameter('position_embeddings', [1, patches + 1, hidden]);
  const projection = scope.child('patch_embeddings').conv2d('projection', 3, hidden, { kernel: patch, stride: patch });
  return module((ops, images: Tensor): Tensor => {
    const convolved = ops.conv2d(images, projection);
    const rows = ops.transpose(ops.view(convolved, [images.shape[0]!, hidden, -1]), 1, 2);
    let h = ops.keep(rows);
    const tokens = ops.keep(ops.expand(ops.parameter(classToken), [images.shape[0]!, 1, hidden]));
    h = ops.rebind(h, ops.cat([tokens, h], 1));
    h = ops.rebind(h, ops.add(h, ops.parameter(positions)));
    return ops.dropout(h, ops.dropoutOf(dropout));
  });
}

function attention(scope: Scope, config: VitConfig) {
  const { hidden, heads, bias } = config;
  const inner = scope.child('attention');
  const query = inner.linear('query', hidden, hidden, { bias });
  const key = inner.linear('key', hidden, hidden, { bias });
  const value = inner.linear('value', hidden, hidden, { bias });
  const output = scope.child('output').linear('dense', hidden, hidden);
  const project = (ops: Operations, x: Tensor, layer: Linear): Tensor => {
    const split = ops.view(ops.linear(x, layer), [x.shape[0]!, x.shape[1]!, heads, hidden / heads]);
    return ops.keep(ops.transpose(split, 1, 2));
  };
  const attend = module((ops, x: Tensor): [Tensor, Tensor | null] => {
    const keys = project(ops, x, key);
    const values = project(ops, x, value);
    const queries = project(ops, x, query);
    const dropout = ops.dropoutOf(config.attentionDropout);
    const heads4 = { query: queries, key: keys, value: values, mask: null, dropout };
    const [context, weights] = ungroupedAttention(ops, heads4, false);
    if (weights !== null) ops.keep(weights);
    return [ops.reshape(ops.keep(context), x.shape), weights];
  });
  return module((ops, x: Tensor): Tensor => {
    const [context, weights] = attend(ops, x);
    ops.keep(context);
    if (weights !== null) ops.keep(weights);
    const h = ops.keep(ops.linear(context, output));
    return ops.dropout(h, ops.dropoutOf(config.dropout));
  });
}

function layer(block: Block, config: VitConfig) {
  const { scope } = block;
  const attend = attention(scope.child('attention'), config);
  const expand = scope.child('intermediate').linear('dense', config.hidden, config.intermediate);
  const contract = scope.child('output').linear('dense', config.intermediate, config.hidden);
  const before = scope.layerNorm('layernorm_before', config.hidden);
  const after = scope.layerNorm('layernorm_after', config.hidden);
  const intermediate = module((ops, x: Tensor): Tensor => config.act(ops, ops.keep(ops.linear(x, expand))));
  const output = module((ops, x: Tensor, residual: Tensor): Tensor => {
    let h = ops.keep(ops.linear(x, contract));
    h = ops.rebind(h, ops.dropout(h, ops.dropoutOf(config.dropout)));
    return ops.add(h, residual);
  });
  return (ops: Operations, x: Tensor): Tensor =>
    ops.block(block, [x], ([input]) => {
      const normed = ops.keep(ops.layerNorm(input!, before));
      const attended = ops.keep(attend(ops, normed));
      const residual = ops.keep(ops.add(attended, input!));
      let h = ops.keep(ops.layerNorm(residual, after));
      h = ops.rebind(h, intermediate(ops, h));
      return output(ops, h, residual);
    });
}

/** ViT for image classification (transformers' ViTForImageClassification). */
export function vit(model: ResolvedModel): Architecture {
  const config = read(model);
  const root = Scope.root();
  const scope = root.child('vit');
  const embed = embeddings(scope.child('embeddings'), config);
  const layers = scope.child('encoder').child('layer');
  const blocks = Array.from({ length: config.layers }, (_, i) => layer(layers.block(String(i)), config));
  const norm = scope.layerNorm('layernorm', config.hidden);
  const classifier = root.linear('classifier', config.hidden, config.labels);

  const encode = module((ops, x: Tensor): Tensor => {
    let h = ops.keep(x);
    for (const block of blocks) h = ops.rebind(h, block(ops, h));
    return h;
  });
  const body = module((ops, images: Tensor): Tensor => {
    const embedded = ops.keep(embed(ops, images));
    const encoded = ops.keep(encode(ops, embedded));
    return ops.layerNorm(encoded, norm);
  });
  const run = module((ops, images: Tensor, labels: Tensor): [Tensor, Tensor] => {
    const sequence = ops.keep(body(ops, images));
    const pooled = ops.keep(ops.select(sequence, 1));
    const logits = ops.keep(ops.linear(pooled, classifier));
    return [ops.crossEntropy(logits, labels), logits];
  });
  return completeArchitecture({
    name: model.name,
    task: 'image-classification',
    root,
    inputs: imageInputs,
    forward: (ops, batch) => {
      const [loss, logits] = run(ops, ...imageBatch(batch));
      return { loss, outputs: [logits] };
    },
  });
}
