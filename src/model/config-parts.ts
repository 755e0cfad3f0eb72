import type { ModelConfig, ResolvedModel } from './resolved-model.js';

type Part = Exclude<ModelConfig[string], null> & ModelConfig;

const isPart = (value: unknown): value is Part => typeof value === 'object' && value !== null && !Array.isArray(value);

/** The part of a configuration that describes one of its models, under the first of the names that is there. */
export function partOf({ config }: ResolvedModel, names: readonly string[]): ModelConfig | null {
  return names.map((name) => config[name]).find(isPart) ?? null;
}

/**
 * The language model alone of one for text and images whose class for language modelling leaves the rest out
 * (transformers' `AutoModelForCausalLM`); the model itself where its configuration has no `text_config`.
 */
export function languageModelOf(model: ResolvedModel): ResolvedModel {
  const text = partOf(model, ['text_config']);
  return text === null ? model : { ...model, config: text };
}
