import type { DeviceRequest } from '../workload.js';
import type { Asked, RequestForm, Understood } from './request-form.js';
import { amountOf, partialDevices, wholeDevices } from './request-form.js';

const DEVICES = ['gpu.intel.com/i915', 'gpu.intel.com/xe'];
const MEMORY = 'gpu.intel.com/memory.max';
const OTHERS = ['gpu.intel.com/millicores', 'gpu.intel.com/tiles'];

/** Intel's GPU plugin: devices by kernel driver; with GPU-aware scheduling, bytes of them (intel/platform-aware-scheduling). */
export const intel: RequestForm = {
  name: 'Intel GPU plugin',
  writes: [...DEVICES, MEMORY],
  read(asked: Asked): Understood | null {
    const requests = DEVICES.flatMap((resource) => devices(asked, resource));
    return requests.length === 0 ? null : { requests, names: [...DEVICES, MEMORY, ...OTHERS] };
  },
};

function devices(asked: Asked, resource: string): DeviceRequest[] {
  const amount = asked.amounts.get(resource);
  if (amount === undefined) return [];
  const memory = amountOf(asked, MEMORY);
  if (memory.value === 0) return [wholeDevices(resource, 'intel', amount)];
  const memoryBytes = memory.value / Math.max(1, amount.value);
  return [partialDevices(resource, 'intel', amount, { memoryBytes })];
}
