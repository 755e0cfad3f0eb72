import type { Asked, RequestForm, Understood } from './request-form.js';
import { wholeDevices } from './request-form.js';

const WHOLE = 'nvidia.com/gpu';
/** The device plugin's name for time-sliced replicas under `renameByDefault`. */
const SHARED = 'nvidia.com/gpu.shared';

/** NVIDIA's device plugin: whole GPUs, and replicas of time-sliced ones under their own name. */
export const nvidiaDevices: RequestForm = {
  name: 'NVIDIA device plugin',
  writes: [WHOLE, SHARED],
  read(asked: Asked): Understood | null {
    const whole = asked.amounts.get(WHOLE);
    const shared = asked.amounts.get(SHARED);
    if (whole === undefined && shared === undefined) return null;
    const requests = [
      ...(whole === undefined ? [] : [wholeDevices(WHOLE, 'nvidia', whole)]),
      ...(shared === undefined ? [] : [wholeDevices(SHARED, 'nvidia', shared, 'shared')]),
    ];
    return { requests, names: [WHOLE, SHARED] };
  },
};
