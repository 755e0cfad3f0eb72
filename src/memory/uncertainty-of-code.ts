import type { Forecast } from './forecast.js';
import type { Uncertainty } from './uncertainty-kind.js';

/** A norm in one kernel, which keeps its input only. */
const LEAN_NORMS = 'fused-norms';

/**
 * What the model's code keeps differs between releases and between the kernels that take its place. Norms make most of it:
 * written out they keep the input in fp32 and the normed value, as one kernel they keep the input. The run is simulated
 * with the lean ones; as much as they save, a release that casts once more may add.
 */
export const modelCodeVersions: Uncertainty = {
  name: 'model-code',
  remedy: "the release of the model's library, where the image or the requirements can be read",
  widening(at, again) {
    const { values } = at;
    if (values.sequenceLength === null || values.kernels.includes(LEAN_NORMS)) return null;
    const lean = again({ ...values, kernels: [...values.kernels, LEAN_NORMS] });
    if (lean === null) return null;
    const allocated = saved(at, lean, 'peakAllocatedBytes');
    const reserved = saved(at, lean, 'peakReservedBytes');
    if (allocated === 0 && reserved === 0) return null;
    return {
      allocated: { below: -allocated, above: allocated },
      reserved: { below: -reserved, above: reserved },
    };
  },
};

const saved = (at: Forecast, lean: Forecast, figure: 'peakAllocatedBytes' | 'peakReservedBytes'): number =>
  Math.max(0, at.unlimited[figure] - lean.unlimited[figure]);
