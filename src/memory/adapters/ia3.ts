import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';

/** Layers whose input is scaled, not their result (`feedforward_modules` in peft/utils/constants.py). */
const FEED_FORWARD = /(^|\.)(down_proj|fc2|dense_4h_to_h|wo|c_proj)$/;

/** What peft adapts where no modules are named (peft/utils/constants.py). */
export const IA3_TARGETS: string[] = [
  ...['k_proj', 'v_proj', 'key', 'value', 'query_key_value', 'c_attn', 'down_proj', 'fc2', 'dense_4h_to_h'],
];

/** IA3: a learned number for each element of a layer's result, or of the input of the second feed-forward layer. */
export const ia3: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const ofInput = FEED_FORWARD.test(layer.path);
  const vector = beside.trained(ofInput ? [1, layer.inFeatures] : [layer.outFeatures, 1]);
  /** `1 * vector.flatten()` */
  const scale = (): Tensor => ops.mulScalar(ops.view(vector, [-1]));
  const scaledInput = (x: Tensor): Tensor => {
    const numbers = ops.keep(scale());
    const raised = ops.keep(ops.to(x, dtype));
    return ops.keep(ops.to(ops.mul(raised, numbers), x.dtype));
  };
  return (x, base) => {
    ops.enter([x]);
    if (ofInput) return ops.leave(base(scaledInput(x)));
    const numbers = ops.keep(scale());
    const result = ops.keep(base(x));
    return ops.leave(ops.to(ops.mul(result, numbers), result.dtype));
  };
};
