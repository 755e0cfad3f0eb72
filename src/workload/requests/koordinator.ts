import type { DeviceRequest } from '../workload.js';
import type { Amount, Asked, RequestForm, Understood } from './request-form.js';
import { amountOf, partialDevices, wholeDevices } from './request-form.js';

const GPU = 'koordinator.sh/gpu';
const SHARED = 'koordinator.sh/gpu.shared';
const CORE = 'koordinator.sh/gpu-core';
const MEMORY = 'koordinator.sh/gpu-memory';
const RATIO = 'koordinator.sh/gpu-memory-ratio';
const NAMES = [GPU, SHARED, CORE, MEMORY, RATIO];

/**
 * Koordinator: percent of GPUs, 100 for each whole one, or bytes; amounts are for all devices of the container
 * together, `gpu.shared` says over how many (koordinator-sh/koordinator apis/extension/device_share.go).
 */
export const koordinator: RequestForm = {
  name: 'Koordinator device share',
  writes: NAMES,
  read(asked: Asked): Understood | null {
    if (!NAMES.some((name) => asked.amounts.has(name))) return null;
    return { requests: [share(asked)], names: NAMES };
  },
};

function share(asked: Asked): DeviceRequest {
  const memory = amountOf(asked, MEMORY);
  const percent = percentOf(asked);
  if (memory.value > 0) {
    const devices = devicesOf(asked, memory, 1);
    return partialDevices(MEMORY, 'nvidia', devices, { memoryBytes: memory.value / devices.value });
  }
  const devices = devicesOf(asked, percent, Math.max(1, Math.floor(percent.value / 100)));
  const fraction = percent.value / 100 / devices.value;
  if (percent.value === 0) return partialDevices(CORE, 'nvidia', devicesOf(asked, amountOf(asked, CORE), 1), {});
  if (fraction >= 1) return wholeDevices(GPU, 'nvidia', devices);
  return partialDevices(RATIO, 'nvidia', devices, { fraction });
}

/** `koordinator.sh/gpu` is short for the same percentage of cores and of memory. */
function percentOf(asked: Asked): Amount {
  const ratio = asked.amounts.get(RATIO);
  return ratio ?? amountOf(asked, GPU);
}

function devicesOf(asked: Asked, written: Amount, otherwise: number): Amount {
  const shared = asked.amounts.get(SHARED);
  if (shared !== undefined && shared.value > 0) return shared;
  return { ...written, value: otherwise };
}
