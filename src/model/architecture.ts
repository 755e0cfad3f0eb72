import type { Task } from '../run/training-run.js';
import type { Architecture } from './definition.js';
import { bert } from './families/bert.js';
import { gptNeox } from './families/gpt-neox.js';
import { gpt2 } from './families/gpt2.js';
import { llama } from './families/llama.js';
import { torchvision } from './families/torchvision.js';
import { vit } from './families/vit.js';
import type { ResolvedModel } from './resolved-model.js';
import { UnsupportedModel } from './unsupported-model.js';

type Family = (model: ResolvedModel, task: Task) => Architecture;

/** Model types (Hugging Face's `model_type`, or the library of image models) and the family that writes them. */
const FAMILIES: Readonly<Record<string, Family>> = {
  gpt2,
  gpt_neox: gptNeox,
  bert,
  roberta: bert,
  'xlm-roberta': bert,
  camembert: bert,
  llama,
  mistral: llama,
  qwen2: llama,
  qwen3: llama,
  mixtral: llama,
  gemma: llama,
  gemma2: llama,
  granite: llama,
  qwen3_moe: llama,
  vit,
  torchvision,
  timm: torchvision,
};

/** Model types that can be run, in the table's order. */
export const MODEL_TYPES: readonly string[] = Object.keys(FAMILIES);

/**
 * The architecture of a resolved model for a task.
 *
 * Throws UnsupportedModel where the model type is not one of the table, the task is not one of the family's, or the
 * configuration lacks a dimension.
 */
export function architectureOf(model: ResolvedModel, task: Task): Architecture {
  const family = Object.hasOwn(FAMILIES, model.modelType) ? FAMILIES[model.modelType] : undefined;
  if (family === undefined) throw new UnsupportedModel(model.name, `model type "${model.modelType}" is not covered`);
  return family(model, task);
}
