import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod } from './adapter-method.js';
import { requireBlocks } from './adapter-method.js';

/** RoAd: pairs of the result's elements are turned and stretched (variant `road_1`, groups of 64). */
const GROUP = 64;

export const road: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const width = layer.outFeatures;
  requireBlocks('road', layer, GROUP, [width]);
  const angles = beside.trained([width / 2]);
  const lengths = beside.trained([width / 2]);
  /** `reshape(-1, group / 2).repeat_interleave(2, dim=0).flatten()` */
  const repeated = (x: Tensor): Tensor => {
    const rows = ops.view(x, [width / GROUP, 1, GROUP / 2]);
    return ops.view(ops.contiguous(ops.expand(rows, [width / GROUP, 2, GROUP / 2])), [width]);
  };
  const columns = (): [Tensor, Tensor] => {
    ops.enter([]);
    const angle = ops.keep(repeated(angles));
    const length = ops.keep(repeated(lengths));
    const cos = ops.keep(ops.cos(angle));
    const sin = ops.keep(ops.sin(angle));
    return ops.leave([ops.mul(length, cos), ops.mul(length, sin)]);
  };
  const turn = (x: Tensor): Tensor => {
    ops.enter([x]);
    const [first, second] = columns().map((column) => ops.keep(column)) as [Tensor, Tensor];
    const groups = ops.keep(ops.reshape(x, [-1, 2, GROUP / 2]));
    const low = ops.keep(ops.select(groups, 1));
    const high = ops.keep(ops.select(groups, 1));
    const turned = ops.keep(ops.reshape(ops.stack([ops.neg(high), low], 1), x.shape));
    return ops.leave(ops.add(ops.mul(x, first), ops.mul(turned, second)));
  };
  return (x, base) => {
    ops.enter([x]);
    let result = ops.keep(base(x));
    const type = result.dtype;
    result = ops.rebind(result, ops.to(result, dtype));
    result = ops.rebind(result, turn(result));
    return ops.leave(ops.to(result, type));
  };
};
