import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import type { Task } from '../run/training-run.js';
import { architectureOf } from './architecture.js';
import type { Architecture } from './definition.js';
import type { ModelConfig } from './resolved-model.js';

interface Row {
  id: string;
  modelType: string;
  config: ModelConfig;
  params: number;
}

const rowsOf = (file: string): Row[] =>
  (JSON.parse(readFileSync(`catalog/${file}`, 'utf8')) as { models: Row[] }).models;
const rows = rowsOf('models.json');
/** Those with a recorded forward pass are counted in src/advisor/recorded-networks.spec.ts, which reads it. */
const denoisers = rowsOf('diffusion.json').filter((row) => !('graph' in row));
const recurrent = rowsOf('recurrent.json');

/** Model types whose released models are counted here, and the task that has the head they were released with. */
const TASKS: Readonly<Record<string, Task>> = {
  bart: 'seq2seq',
  mbart: 'seq2seq',
  pegasus: 'seq2seq',
  t5: 'seq2seq',
  mt5: 'seq2seq',
  opt: 'causal-lm',
  gpt_bigcode: 'causal-lm',
  phi: 'causal-lm',
  phi3: 'causal-lm',
  falcon: 'causal-lm',
  stablelm: 'causal-lm',
  starcoder2: 'causal-lm',
  gemma3_text: 'causal-lm',
  gemma: 'causal-lm',
  granite: 'causal-lm',
  qwen3_moe: 'causal-lm',
  llama: 'causal-lm',
  mistral: 'causal-lm',
  mixtral: 'causal-lm',
  qwen2: 'causal-lm',
  qwen2_moe: 'causal-lm',
  qwen3: 'causal-lm',
  gemma2: 'causal-lm',
  gpt2: 'causal-lm',
  gpt_neox: 'causal-lm',
  bloom: 'causal-lm',
  olmo: 'causal-lm',
  olmo2: 'causal-lm',
  olmo3: 'causal-lm',
  olmoe: 'causal-lm',
  cohere: 'causal-lm',
  cohere2: 'causal-lm',
  glm4: 'causal-lm',
  smollm3: 'causal-lm',
  nemotron: 'causal-lm',
  deepseek_v3: 'causal-lm',
  kimi_k2: 'causal-lm',
  glm4_moe: 'causal-lm',
  gpt_oss: 'causal-lm',
  phimoe: 'causal-lm',
  deepseek_v2: 'causal-lm',
  llama4: 'causal-lm',
  gpt_neo: 'causal-lm',
  gptj: 'causal-lm',
  gemma3: 'causal-lm',
  mpt: 'causal-lm',
  whisper: 'speech',
};

/**
 * StableLM 2 12B was trained without biases in its norms; the class of transformers 4.57 has them whatever the
 * configuration says.
 */
const EXCEPTIONS: ReadonlySet<string> = new Set(['stabilityai/stablelm-2-12b']);

/** Encoders whose classifier is a pooler, or as large, and the classes. */
const POOLED: ReadonlySet<string> = new Set(['bert', 'roberta', 'albert']);

const counted = rows.filter(({ id, modelType }) => TASKS[modelType] !== undefined && !EXCEPTIONS.has(id));

/** Corrections of routers' scores: released with the weights, but buffers in transformers' classes. */
const correctionsOf = ({ buffers }: Architecture): number =>
  buffers.filter(({ path }) => path.endsWith('e_score_correction_bias')).reduce((sum, { shape }) => sum + shape[0]!, 0);

describe('models of the catalog have as many parameters as were released', () => {
  it.each(counted.map((row) => [row.id, row] as const))('%s', (name, { modelType, config, params }) => {
    const task = TASKS[modelType]!;
    const architecture = architectureOf({ name, modelType, config }, task);
    expect(architecture.parameterCount + correctionsOf(architecture)).toBe(params);
  });

  it.each(recurrent.map((row) => [row.id, row] as const))('%s', (name, { modelType, config, params }) => {
    expect(architectureOf({ name, modelType, config }, 'causal-lm').parameterCount).toBe(params);
  });

  it.each(denoisers.map((row) => [row.id, row] as const))('%s', (name, { modelType, config, params }) => {
    expect(architectureOf({ name, modelType, config }, 'diffusion').parameterCount).toBe(params);
  });

  it('counts encoders with a pooler, or a layer as large, and without their classes', () => {
    const released = rows.filter(({ modelType }) => POOLED.has(modelType));
    expect(released.length).toBeGreaterThan(15);
    for (const { id: name, modelType, config, params } of released) {
      const classes = 2 * (Number(config['hidden_size']) + 1);
      const { parameterCount } = architectureOf({ name, modelType, config }, 'sequence-classification');
      expect([name, parameterCount]).toEqual([name, params + classes]);
    }
  });

  it('counts DeBERTa without its pooler and classes', () => {
    const released = rows.filter(({ modelType }) => modelType === 'deberta');
    expect(released.length).toBeGreaterThan(1);
    for (const { id: name, modelType, config, params } of released) {
      const hidden = Number(config['hidden_size']);
      const head = hidden * (hidden + 1) + 2 * (hidden + 1);
      const { parameterCount } = architectureOf({ name, modelType, config }, 'sequence-classification');
      expect([name, parameterCount]).toEqual([name, params + head]);
    }
  });

  it('counts ModernBERT without its prediction head and the bias of its decoder', () => {
    const released = rows.filter(({ modelType }) => modelType === 'modernbert');
    expect(released.length).toBeGreaterThan(1);
    for (const { id: name, modelType, config, params } of released) {
      const [hidden, words] = [Number(config['hidden_size']), Number(config['vocab_size'])];
      const { parameterCount } = architectureOf({ name, modelType, config }, 'masked-lm');
      expect([name, parameterCount]).toEqual([name, params + hidden * (hidden + 1) + words]);
    }
  });

  it('counts DistilBERT without a head there, so that the masked-language head is on top', () => {
    for (const { id: name, modelType, config, params } of rows.filter((row) => row.modelType === 'distilbert')) {
      const [hidden, words] = [Number(config['hidden_size']), Number(config['vocab_size'])];
      const head = hidden * (hidden + 1) + 2 * hidden + words;
      expect(architectureOf({ name, modelType, config }, 'masked-lm').parameterCount).toBe(params + head);
    }
  });

  it('counts XLM-RoBERTa with a pooler and without a head, where its classifier has a layer as large and the classes', () => {
    const released = rows.filter((row) => row.modelType === 'xlm-roberta');
    expect(released.length).toBeGreaterThan(1);
    for (const { id: name, modelType, config, params } of released) {
      const classes = 2 * (Number(config['hidden_size']) + 1);
      const { parameterCount } = architectureOf({ name, modelType, config }, 'sequence-classification');
      expect([name, parameterCount]).toEqual([name, params + classes]);
    }
  });
});
