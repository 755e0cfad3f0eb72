import { float32 } from '../../model/dtype.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

/**
 * `clip_grad_norm_` with foreach (torch/nn/utils/clip_grad.py): one norm per gradient, stacked; then the coefficient by
 * way of four scalars. Gradients are scaled in place.
 */
export function clipGradients(engine: Engine, parameters: readonly EngineTensor[]): void {
  const scalar = (name: string, dtype = float32): EngineTensor => engine.hold(engine.empty([], dtype, operation(name)));
  const gradients = parameters.flatMap(({ gradient }) => (gradient === null ? [] : [gradient]));
  if (gradients.length === 0) return;
  const { dtype } = gradients[0]!;
  const norms = gradients.map((gradient) => scalar('foreach_norm', gradient.dtype));
  const stacked = engine.hold(engine.empty([norms.length], dtype, operation('stack')));
  const total = scalar('linalg_vector_norm', dtype);
  engine.release(stacked);
  for (const norm of norms) engine.release(norm);
  const sum = scalar('add', dtype);
  const inverse = scalar('reciprocal', dtype);
  const coefficient = scalar('mul', dtype);
  engine.release(inverse);
  engine.release(sum);
  const clamped = scalar('clamp', dtype);
  for (const tensor of [coefficient, clamped, total]) engine.release(tensor);
}
