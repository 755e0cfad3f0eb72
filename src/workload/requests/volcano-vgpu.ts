import type { DeviceRequest } from '../workload.js';
import type { Asked, RequestForm, Understood } from './request-form.js';
import { MIB, amountOf, partialDevices, wholeDevices } from './request-form.js';

const COUNT = 'volcano.sh/vgpu-number';
const MEMORY = 'volcano.sh/vgpu-memory';
const PERCENTAGE = 'volcano.sh/vgpu-memory-percentage';
const CORES = 'volcano.sh/vgpu-cores';
const OLD_COUNT = 'volcano.sh/gpu-number';
const OLD_MEMORY = 'volcano.sh/gpu-memory';
const NAMES = [COUNT, MEMORY, PERCENTAGE, CORES, OLD_COUNT, OLD_MEMORY];

/**
 * Volcano's device plugins: vGPUs with memory in MiB or percent, and the older GPU sharing, where `gpu-memory` is MiB
 * of one card and `gpu-number` whole cards (volcano-sh/volcano pkg/scheduler/api/devices).
 */
export const volcanoVgpu: RequestForm = {
  name: 'Volcano vGPU and GPU sharing',
  writes: NAMES,
  read(asked: Asked): Understood | null {
    const requests = [...virtualGpus(asked), ...sharedCards(asked)];
    return requests.length === 0 ? null : { requests, names: NAMES };
  },
};

function virtualGpus(asked: Asked): DeviceRequest[] {
  const memory = amountOf(asked, MEMORY);
  const percentage = amountOf(asked, PERCENTAGE);
  const count = asked.amounts.get(COUNT) ?? { value: 1, places: [...memory.places, ...percentage.places] };
  if (memory.value > 0) return [partialDevices(COUNT, 'nvidia', count, { memoryBytes: memory.value * MIB })];
  if (percentage.value > 0) return [partialDevices(COUNT, 'nvidia', count, { fraction: percentage.value / 100 })];
  return asked.amounts.has(COUNT) ? [wholeDevices(COUNT, 'nvidia', count)] : [];
}

function sharedCards(asked: Asked): DeviceRequest[] {
  const cards = amountOf(asked, OLD_COUNT);
  if (cards.value > 0) return [wholeDevices(OLD_COUNT, 'nvidia', cards)];
  const memory = amountOf(asked, OLD_MEMORY);
  if (memory.value === 0) return [];
  const one = { value: 1, places: memory.places };
  return [partialDevices(OLD_MEMORY, 'nvidia', one, { memoryBytes: memory.value * MIB })];
}
