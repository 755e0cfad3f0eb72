import type { Tensor } from '../../model/operations.js';
import { int64 } from '../../model/dtype.js';
import type { AdapterMethod } from './adapter-method.js';
import { withWholeWeight } from './adapter-method.js';

/** Frequencies that are learned for each layer (`n_frequency`). */
const FREQUENCIES = 1000;

/** FourierFT: the change of the whole weight is the inverse transform of a few learned frequencies. */
export const fourierFt: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const shape = [layer.outFeatures, layer.inFeatures];
  const spectrum = beside.trained([FREQUENCIES]);
  const weight = (): Tensor => {
    ops.enter([]);
    const places = ops.keep(ops.create('to', [2, FREQUENCIES], int64));
    const dense = ops.keep(ops.create('zeros', shape, dtype));
    const filled = ops.rebind(dense, ops.indexPutInPlace(dense, [places, places], spectrum));
    return ops.leave(ops.mulScalar(ops.realOfTransform(filled)));
  };
  return withWholeWeight(beside, weight);
};

/** WaveFT: the same over wavelets; the learned places are scaled and used as they are where no wavelet is chosen. */
export const waveFt: AdapterMethod = (beside) => {
  const { ops, layer, dtype } = beside;
  const shape = [layer.outFeatures, layer.inFeatures];
  const count = 2592;
  const spectrum = beside.trained([count]);
  const places = beside.kept([2, count], int64);
  const weight = (): Tensor => {
    ops.enter([]);
    const dense = ops.keep(ops.create('zeros', shape, dtype));
    const filled = ops.rebind(dense, ops.indexPutInPlace(dense, [places, places], spectrum));
    return ops.leave(ops.mulScalar(filled));
  };
  return withWholeWeight(beside, weight);
};
