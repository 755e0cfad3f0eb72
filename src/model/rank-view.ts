/**
 * Whose code a model is written in: memory differs between the libraries that train the same weights. `plain`: a script's
 * own, of PyTorch's modules.
 */
export type ModelCode = 'transformers' | 'torchtitan' | 'megatron' | 'litgpt' | 'torchtune' | 'plain';

/** The part of a model that one rank computes, and how many ranks share the rest. */
export interface RankView {
  code: ModelCode;
  /** Whether adapters are trained: some programs then compute the loss in pieces. */
  adapted: boolean;
  /** Ranks that each hold a slice of every split layer. */
  tensor: number;
  /** Whether what lies between split layers is split along the sequence. */
  sequence: boolean;
  /** Ranks that each hold a part of the sequence. */
  context: number;
  /** Ranks over which experts are spread. */
  expert: number;
  /** Layers of this pipeline stage (part of it, where stages are interleaved), and what it has besides. */
  stage: PipelineStage | null;
}

/** A run of layers, from the first up to but without the last. */
export interface PipelineStage {
  from: number;
  to: number;
  embeds: boolean;
  hasHead: boolean;
}

/** One rank that has the whole model, as transformers writes it. */
export const WHOLE_MODEL: RankView = {
  code: 'transformers',
  adapted: false,
  tensor: 1,
  sequence: false,
  context: 1,
  expert: 1,
  stage: null,
};
