import type { Tensor } from '../../model/operations.js';
import type { AdapterMethod, BesideLayer } from './adapter-method.js';
import { added } from './adapter-method.js';

const DEFAULT_RANK = 256;

/** The random matrices that all layers share, cut to a layer's size. */
function sharedFactors(beside: BesideLayer, rows: number, rank: number): [Tensor, Tensor] {
  const { dtype, widest } = beside;
  const down = beside.shared('vera_A', () => beside.kept([rows, widest.in], dtype));
  const up = beside.shared('vera_B', () => beside.kept([widest.out, rank], dtype));
  return [down, up];
}

/** VeRA: frozen random factors that all layers share, between two learned vectors. */
export const vera: AdapterMethod = (beside) => {
  const { ops, layer } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const outer = beside.trained([layer.outFeatures]);
  const inner = beside.trained([rank]);
  const [down, up] = sharedFactors(beside, rank, rank);
  return added(beside, (input) => {
    const cut = ops.slice(down, 1, 0, layer.inFeatures);
    const rows = ops.slice(up, 0, 0, layer.outFeatures);
    const h = ops.mul(inner, ops.linearWith(ops.dropout(input, beside.dropout), cut, null));
    return ops.mul(outer, ops.linearWith(h, rows, null));
  });
};

/** PVeRA: the inner vector draws a mean and a deviation, of which a sample goes on. */
export const pVera: AdapterMethod = (beside) => {
  const { ops, layer } = beside;
  const rank = beside.rank ?? DEFAULT_RANK;
  const outer = beside.trained([layer.outFeatures]);
  const inner = beside.trained([2 * rank]);
  const [down, up] = sharedFactors(beside, 2 * rank, rank);
  return added(beside, (input) => {
    const cut = ops.keep(ops.slice(down, 1, 0, layer.inFeatures));
    const rows = ops.keep(ops.slice(up, 0, 0, layer.outFeatures));
    const h = ops.mul(inner, ops.linearWith(ops.dropout(input, beside.dropout), cut, null));
    const [mean, variance] = ops.split(h, [rank, rank], h.shape.length - 1).map((part) => ops.keep(part)) as [
      Tensor,
      Tensor,
    ];
    return ops.mul(outer, ops.linearWith(sample(beside, mean, variance), rows, null));
  });
};

/** `mu + eps * exp(0.5 * logvar)` */
function sample({ ops }: BesideLayer, mean: Tensor, variance: Tensor): Tensor {
  ops.enter([mean, variance]);
  const deviation = ops.keep(ops.exp(ops.mulScalar(variance)));
  const noise = ops.keep(ops.create('randn', deviation.shape, deviation.dtype));
  return ops.leave(ops.add(mean, ops.mul(noise, deviation)));
}
