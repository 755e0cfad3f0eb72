import type { DeviceRequest } from '../workload.js';
import type { Amount, Asked, RequestForm, Understood } from './request-form.js';
import { MIB, partialDevices } from './request-form.js';

const FRACTION = 'gpu-fraction';
const MEMORY = 'gpu-memory';
const DEVICES = 'gpu-fraction-num-devices';
/** Names the container that gets the share; the first one otherwise. Read where containers are read. */
export const FRACTION_CONTAINER = 'gpu-fraction-container-name';

/**
 * KAI scheduler and Run:ai: a share of a GPU, or MiB of one, in the pod's annotations rather than its resources
 * (NVIDIA/KAI-Scheduler docs/gpu-sharing).
 */
export const podAnnotations: RequestForm = {
  name: 'KAI scheduler and Run:ai annotations',
  writes: [`annotation ${FRACTION}`, `annotation ${MEMORY}`, `annotation ${DEVICES}`],
  read(asked: Asked): Understood | null {
    const memory = numberIn(asked, MEMORY);
    const fraction = numberIn(asked, FRACTION);
    const part = memory ?? fraction;
    if (part === null) return null;
    const count = numberIn(asked, DEVICES);
    const unresolved = count?.unresolved ?? part.unresolved;
    const devices: Amount = {
      value: Math.max(1, Math.floor(count?.value ?? 1)),
      places: count?.places ?? [],
      ...(unresolved === undefined ? {} : { unresolved }),
    };
    return { requests: [shareOf(devices, memory, part)], names: [] };
  },
};

function shareOf(devices: Amount, memory: Amount | null, part: Amount): DeviceRequest {
  if (memory !== null) return partialDevices(MEMORY, 'nvidia', devices, { memoryBytes: memory.value * MIB });
  return partialDevices(FRACTION, 'nvidia', devices, { fraction: part.value });
}

function numberIn(asked: Asked, name: string): Amount | null {
  const field = asked.annotations.get(name);
  if (field === undefined) return null;
  const { value, unresolved } = field.amount(1, 'a number above 0');
  if (value <= 0) throw field.expected('a number above 0');
  const [first] = unresolved;
  const amount = { value, places: [field.path] };
  return first === undefined ? amount : { ...amount, unresolved: first };
}
