import type { Architecture, Batch, BatchSizes, InputSpec, ModelOutput } from '../../definition.js';
import { completeArchitecture, input } from '../../definition.js';
import { float32 } from '../../dtype.js';
import { Scope } from '../../module-tree.js';
import type { Operations, Tensor } from '../../operations.js';

/** Predicts the noise (or the velocity) of a batch. */
export type Denoise = (ops: Operations, batch: Batch, sizes: BatchSizes) => Tensor;

export interface Denoiser {
  name: string;
  inputs: (sizes: BatchSizes) => InputSpec[];
  build: (root: Scope) => Denoise;
}

/** A random input of the batch. */
export const noise = (name: string, shape: readonly number[], { dtype }: BatchSizes): InputSpec => ({
  name,
  shape,
  dtype,
  madeBy: 'randn',
});

/** `F.mse_loss(model_pred.float(), target.float())`, as diffusers' training scripts have it. */
function meanSquaredError(ops: Operations, batch: Batch, denoise: (ops: Operations) => Tensor): ModelOutput {
  ops.enter([]);
  const sample = ops.keep(denoise(ops));
  const prediction = ops.to(sample, float32);
  const loss = ops.mseLoss(prediction, ops.to(input(batch, 'target'), float32));
  ops.leave([loss, sample]);
  return { loss, outputs: [sample] };
}

/** What diffusers' LoRA scripts adapt: the projections of attention. */
const ADAPTED = ['to_k', 'to_q', 'to_v', 'to_out.0'] as const;

/** A denoiser that is trained on the mean squared error of what it predicts. */
export function denoiser({ name, inputs, build }: Denoiser): Architecture {
  const root = Scope.root();
  const denoise = build(root);
  return completeArchitecture({
    name,
    task: 'diffusion',
    root,
    adapterTargets: ADAPTED,
    inputs,
    forward: (ops, batch, sizes) => meanSquaredError(ops, batch, () => denoise(ops, batch, sizes)),
  });
}
