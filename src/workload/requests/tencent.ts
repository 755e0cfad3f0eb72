import type { DeviceRequest } from '../workload.js';
import type { Asked, RequestForm, Understood } from './request-form.js';
import { MIB, amountOf, partialDevices, wholeDevices } from './request-form.js';

const CORE = 'tencent.com/vcuda-core';
const MEMORY = 'tencent.com/vcuda-memory';
const NAMES = [CORE, MEMORY];
/** A unit of vcuda-memory (tkestack/gpu-manager README). */
const BLOCK_BYTES = 256 * MIB;

/** Tencent's gpu-manager: 100 cores are a whole card; below, `vcuda-memory` blocks of 256 MiB of one card. */
export const tencent: RequestForm = {
  name: 'Tencent vcuda',
  writes: NAMES,
  read(asked: Asked): Understood | null {
    if (!NAMES.some((name) => asked.amounts.has(name))) return null;
    return { requests: [cards(asked)], names: NAMES };
  },
};

function cards(asked: Asked): DeviceRequest {
  const core = amountOf(asked, CORE);
  if (core.value >= 100) return wholeDevices(CORE, 'nvidia', { ...core, value: Math.floor(core.value / 100) });
  const memory = amountOf(asked, MEMORY);
  const one = { ...(core.value > 0 ? core : memory), value: 1 };
  if (memory.value === 0) return partialDevices(CORE, 'nvidia', one, {});
  return partialDevices(CORE, 'nvidia', one, { memoryBytes: memory.value * BLOCK_BYTES });
}
