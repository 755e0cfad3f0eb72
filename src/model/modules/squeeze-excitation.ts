import type { Scope } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import { module } from '../operations.js';
import type { Step } from './sequential.js';

export interface SqueezeExcitationOptions {
  channels: number;
  squeezed: number;
  activation: Step;
  gate: Step;
}

/** torchvision's `SqueezeExcitation`: the map times a gate for each channel, made from the pooled map. */
export function squeezeExcitation(scope: Scope, options: SqueezeExcitationOptions): Step {
  const { channels, squeezed, activation, gate } = options;
  const reduce = scope.conv2d('fc1', channels, squeezed, { kernel: 1 });
  const expand = scope.conv2d('fc2', squeezed, channels, { kernel: 1 });
  return module((ops, x: Tensor): Tensor => {
    let scale = ops.keep(ops.adaptiveAvgPool2d(x, 1));
    scale = ops.rebind(scale, ops.conv2d(scale, reduce));
    scale = ops.rebind(scale, activation(ops, scale));
    scale = ops.rebind(scale, ops.conv2d(scale, expand));
    scale = ops.rebind(scale, gate(ops, scale));
    return ops.mul(scale, x);
  });
}
