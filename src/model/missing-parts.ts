import type { ResolvedModel } from './resolved-model.js';

const STATE_SPACE =
  'its state-space layers are not: what they keep for backward depends on whether their kernels are installed';
const DELTA_NET =
  'its gated delta nets are not: what they keep for backward depends on whether their kernels are installed';
const REMOTE = 'its code comes with its weights, not with transformers, and was not read';

/** What is not written of model types whose other parts are known. */
const MISSING: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    ['mamba', 'mamba2', 'falcon_mamba', 'jamba', 'bamba', 'zamba', 'zamba2', 'nemotron_h', 'granitemoehybrid'].map(
      (type) => [type, STATE_SPACE],
    ),
  ),
  ...Object.fromEntries(['qwen3_next', 'qwen3_5', 'qwen3_5_moe'].map((type) => [type, DELTA_NET])),
  ...Object.fromEntries(
    ['baichuan', 'qwen', 'internlm', 'internlm2', 'chatglm', 'minicpm', 'orion', 'xverse', 'exaone', 'phi3small'].map(
      (type) => [type, REMOTE],
    ),
  ),
  deepseek: REMOTE,
  gemma3n: 'its alternating updates and embeddings for each layer are not',
  gemma4: 'its experts beside a dense part, and heads of two sizes, are not',
  longformer: 'its attention over windows and chosen tokens is not',
};

const DIMENSIONS = ['hidden_size', 'num_hidden_layers', 'num_attention_heads'];
/** Longest part of a name that is shown: a description may be hostile. */
const LONGEST_TYPE = 60;

/**
 * Why a model type is not run: the part that is missing, or, of a described decoder of a type that nobody knows, how to say
 * that its layers are those of another.
 */
export function whatIsMissing({ modelType, config }: ResolvedModel): string {
  const refused = `model type "${modelType.slice(0, LONGEST_TYPE)}" is not covered`;
  if (Object.hasOwn(MISSING, modelType)) return `${refused}: ${MISSING[modelType]!}`;
  const described = DIMENSIONS.every((name) => typeof config[name] === 'number');
  if (!described) return refused;
  return `${refused}; where its layers are those of a type that is, declare that one as model_type`;
}
