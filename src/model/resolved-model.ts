import type { z } from 'zod';
import type { modelConfigSchema } from '../run/training-run.js';
import type { RecordedGraph } from './recorded/recorded-graph.js';

/** A JSON value, as found in a `config.json`. */
export type ModelConfig = z.infer<typeof modelConfigSchema>;

/**
 * A model whose dimensions are known: what a name was found to mean in the catalog, or what a manifest describes.
 * The architecture is written from this and nothing else.
 */
export interface ResolvedModel {
  /** As shown to people: catalog id, or the name as written. */
  name: string;
  /**
   * Hugging Face's `model_type` (`llama`, `gpt2`, `bert`, ...), or the library for image models that have no config:
   * `torchvision` or `timm`, with `config.architecture` naming the constructor (`resnet50`) and `config.num_classes`.
   */
  modelType: string;
  /**
   * Dimensions in the terms of Hugging Face's `config.json`. Synonyms of the catalog (`hidden_size` for GPT-2's
   * `n_embd`) are understood; a missing term takes the default of the family's configuration class.
   */
  config: ModelConfig;
  /** Height and width of the images that it is trained on, where the run says so. */
  image?: readonly [number, number] | null;
  /** Its recorded forward pass, read when it is first asked for; null where there is none. */
  graph?: () => RecordedGraph | null;
}
