import type { DeviceRequest } from '../workload.js';
import type { Amount, Asked, RequestForm, Understood } from './request-form.js';
import { MIB, amountOf, partialDevices, wholeDevices } from './request-form.js';

const COUNT = 'nvidia.com/gpu';
const MEMORY = 'nvidia.com/gpumem';
const PERCENTAGE = 'nvidia.com/gpumem-percentage';
const CORES = 'nvidia.com/gpucores';
const NAMES = [COUNT, MEMORY, PERCENTAGE, CORES];

/**
 * HAMi: virtual GPUs, each with its memory in MiB or in percent of the card (Project-HAMi/HAMi
 * pkg/device/nvidia/device.go). Without a count HAMi's webhook asks for one; without memory the vGPU has the whole card.
 */
export const hami: RequestForm = {
  name: 'HAMi virtual GPUs',
  writes: [MEMORY, PERCENTAGE, CORES],
  read(asked: Asked): Understood | null {
    if (!NAMES.slice(1).some((name) => asked.amounts.has(name))) return null;
    return { requests: [virtualGpus(asked)], names: NAMES };
  },
};

function virtualGpus(asked: Asked): DeviceRequest {
  const memory = amountOf(asked, MEMORY);
  const percentage = amountOf(asked, PERCENTAGE);
  const count = asked.amounts.get(COUNT) ?? oneBeside(memory, percentage);
  if (memory.value > 0) return partialDevices(COUNT, 'nvidia', count, { memoryBytes: memory.value * MIB });
  if (percentage.value > 0) return partialDevices(COUNT, 'nvidia', count, { fraction: percentage.value / 100 });
  return wholeDevices(COUNT, 'nvidia', count);
}

function oneBeside(...amounts: readonly Amount[]): Amount {
  return { value: 1, places: amounts.flatMap(({ places }) => places) };
}
