import type { RunValues } from '../../run/training-run.js';

/** What a program's training step does with the model's outputs and the optimizer's states. */
export type TrainingStep = RunValues['trainingStep'];

/**
 * transformers' Trainer and what is built on it: the loss is computed in a function whose outputs die when it returns
 * (trainer.py, compute_loss); accelerate wraps forward so that outputs leave autocast in fp32 (utils/operations.py);
 * the whole model is compiled, its loss with it; states of embeddings are pinned to 32 bits (trainer.py, create_optimizer).
 */
export const TRAINER_STEP: TrainingStep = {
  keepsOutputs: false,
  castsOutputs: true,
  compilesLoss: true,
  fullPrecisionEmbeddings: true,
};

/** A loop around accelerate's prepared model that binds its outputs to a name. */
export const ACCELERATE_STEP: TrainingStep = {
  keepsOutputs: true,
  castsOutputs: true,
  compilesLoss: false,
  fullPrecisionEmbeddings: false,
};

/** A loop that deletes the outputs, or lets them die with a function, before backward. */
export const OUTPUTS_DROPPED: TrainingStep = {
  keepsOutputs: false,
  castsOutputs: false,
  compilesLoss: false,
  fullPrecisionEmbeddings: false,
};

/** A loop that binds the outputs to a name, which holds them through backward. */
export const OUTPUTS_KEPT: TrainingStep = { ...OUTPUTS_DROPPED, keepsOutputs: true };
