import type { DeviceRequest } from '../workload.js';
import type { Amount, Asked, RequestForm, Understood } from './request-form.js';
import { wholeDevices } from './request-form.js';

const WHOLE = 'amd.com/gpu';
/** Partitions under the naming strategy `mixed`: compute and memory mode, such as `amd.com/cpx_nps4`. */
const PARTITION = /^amd\.com\/([sdtqc]px_nps[1248])$/;

/** AMD's device plugin: whole GPUs, and partitions by their mode (ROCm/k8s-device-plugin). */
export const amd: RequestForm = {
  name: 'AMD device plugin',
  writes: [WHOLE, 'amd.com/<compute>_<memory>'],
  read(asked: Asked): Understood | null {
    const requests = [...asked.amounts].flatMap(([resource, amount]) => devices(resource, amount));
    return requests.length === 0 ? null : { requests, names: requests.map(({ resource }) => resource) };
  },
};

function devices(resource: string, amount: Amount): DeviceRequest[] {
  if (resource === WHOLE) return [wholeDevices(WHOLE, 'amd', amount)];
  const migProfile = PARTITION.exec(resource)?.[1];
  return migProfile === undefined ? [] : [{ ...wholeDevices(resource, 'amd', amount, 'mig'), migProfile }];
}
