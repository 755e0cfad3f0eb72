import type { Operations, Tensor } from '../operations.js';
import { module } from '../operations.js';

export type Activation = (operations: Operations, x: Tensor) => Tensor;

/** `NewGELUActivation`: 0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3))), each step an operation. */
export const geluNew: Activation = module((ops, x: Tensor) => {
  const half = ops.mulScalar(x);
  const inner = ops.add(x, ops.mulScalar(ops.pow(x, 3)));
  return ops.mul(half, ops.addScalar(ops.tanh(ops.mulScalar(inner))));
});

/** `QuickGELUActivation`: x * sigmoid(1.702 * x). */
const quickGelu: Activation = module((ops, x: Tensor) => ops.mul(x, ops.sigmoid(ops.mulScalar(x))));

/** `torch.square(F.relu(x))` */
const reluSquared: Activation = module((ops, x: Tensor) => {
  const positive = ops.keep(ops.relu(x));
  return ops.pow(positive, 2);
});

/** Names of `ACT2FN` in transformers. */
const ACTIVATIONS: Readonly<Record<string, Activation>> = {
  gelu: (ops, x) => ops.gelu(x),
  gelu_new: geluNew,
  gelu_fast: geluNew,
  gelu_pytorch_tanh: (ops, x) => ops.gelu(x),
  quick_gelu: quickGelu,
  silu: (ops, x) => ops.silu(x),
  swish: (ops, x) => ops.silu(x),
  relu: (ops, x) => ops.relu(x),
  relu2: reluSquared,
  tanh: (ops, x) => ops.tanh(x),
};

/** The activation of that name; `gelu` where the name is not known. */
export function activation(name: string): Activation {
  return ACTIVATIONS[name] ?? ACTIVATIONS['gelu']!;
}
