import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { bool } from '../dtype.js';
import type { Activation } from '../modules/activations.js';
import { activation } from '../modules/activations.js';
import { decoderModel } from '../modules/causal-language-model.js';
import { raisedEagerAttention } from '../modules/eager-attention.js';
import { gptFeedForward } from '../modules/feed-forward.js';
import type { GptDecoder, TupleLayer } from '../modules/gpt-decoder.js';
import { gptDecoder } from '../modules/gpt-decoder.js';
import type { Block, Scope } from '../module-tree.js';
import { Scope as ModuleScope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { ResolvedModel } from '../resolved-model.js';

interface GptNeoConfig extends GptDecoder {
  positions: number;
  heads: number;
  intermediate: number;
  residualDropout: number;
  attentionDropout: number;
  tied: boolean;
  act: Activation;
}

function read(model: ResolvedModel): GptNeoConfig {
  const config = new ConfigReader(model);
  const hidden = config.size('hidden_size', 2048);
  return {
    layers: config.size(['num_layers', 'num_hidden_layers'], 24),
    hidden,
    heads: config.size(['num_heads', 'num_attention_heads'], 16),
    intermediate: config.size('intermediate_size', 4 * hidden),
    vocabulary: config.size('vocab_size', 50257),
    positions: config.size(['max_position_embeddings', 'learned_positions'], 2048),
    embeddingDropout: config.number('embed_dropout', 0),
    residualDropout: config.number('resid_dropout', 0),
    attentionDropout: config.number('attention_dropout', 0),
    tied: config.flag('tie_word_embeddings', true),
    act: activation(config.text(['activation_function', 'hidden_act'], 'gelu_new')),
  };
}

/** Local and global attention differ in what their causal buffer says. */
function attention(scope: Scope, config: GptNeoConfig) {
  const { hidden, heads, positions } = config;
  const [key, value, query] = ['k_proj', 'v_proj', 'q_proj'].map((name) =>
    scope.linear(name, hidden, hidden, { bias: false }),
  );
  const output = scope.linear('out_proj', hidden, hidden);
  const causal = scope.buffer('bias', [1, 1, positions, positions], bool);
  scope.buffer('masked_bias', []);

  return module((ops, x: Tensor, mask: Tensor | null): [Tensor, Tensor | null] => {
    const [batch, length] = x.shape as readonly [number, number];
    const projected = [query!, key!, value!].map((layer) => ops.keep(ops.linear(x, layer)));
    const parts = projected.map((part) =>
      ops.rebind(part, ops.permute(ops.view(part, [batch, length, heads, hidden / heads]), [0, 2, 1, 3])),
    );
    const [q, k, v] = parts as [Tensor, Tensor, Tensor];
    const dropout = ops.dropoutOf(config.attentionDropout);
    const [attended, weights] = raisedEagerAttention(ops, { query: q, key: k, value: v, mask, dropout }, { causal });
    let out = ops.keep(attended);
    if (weights !== null) ops.keep(weights);
    out = ops.rebind(out, ops.view(ops.contiguous(ops.permute(out, [0, 2, 1, 3])), [batch, length, hidden]));
    out = ops.rebind(out, ops.linear(out, output));
    return [ops.rebind(out, ops.dropout(out, ops.dropoutOf(config.residualDropout))), weights];
  });
}

function layer(block: Block, config: GptNeoConfig): TupleLayer {
  const { scope } = block;
  const { hidden, intermediate, act, residualDropout: dropout } = config;
  const norm1 = scope.layerNorm('ln_1', hidden);
  const attend = attention(scope.child('attn').child('attention'), config);
  const norm2 = scope.layerNorm('ln_2', hidden);
  const names = ['c_fc', 'c_proj'] as const;
  const mlp = gptFeedForward(scope.child('mlp'), names, { hidden, intermediate, act, dropout, bias: true });
  return (ops, args) =>
    ops.block(block, args, ([x, mask]) => {
      let h = ops.keep(ops.layerNorm(x!, norm1));
      const [attended, weights] = attend(ops, h, mask!);
      ops.keep(attended);
      if (weights !== null) ops.keep(weights);
      h = ops.rebind(h, ops.add(attended, x!));
      const residual = ops.keep(h);
      h = ops.rebind(h, ops.layerNorm(h, norm2));
      const forwarded = ops.keep(mlp(ops, h));
      return [ops.add(residual, forwarded), weights] as const;
    });
}

/** GPT-Neo with its language-model head (transformers' GPTNeoForCausalLM). */
export function gptNeo(model: ResolvedModel, task: Task): Architecture {
  const config = read(model);
  const root = ModuleScope.root();
  const body = gptDecoder(root.child('transformer'), config, (block) => layer(block, config));
  const { hidden, vocabulary, tied } = config;
  return decoderModel({ model, task, root, body, hidden, vocabulary, tied, around: 'raised-and-lowered' });
}
