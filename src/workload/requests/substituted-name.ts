import { findSubstitution, unresolvedAt } from '../unresolved.js';
import type { DeviceRequest } from '../workload.js';
import type { Amount, Asked, RequestForm, Understood } from './request-form.js';
import { wholeDevices } from './request-form.js';

const SOUNDS_LIKE_A_GPU = /gpu|mig|accelerator|cuda|device/i;
const ASSUMED = 'nvidia.com/gpu';

/** A resource whose very name is filled in by another tool, such as `${GPU_RESOURCE}: 4`: taken as whole GPUs, and said. */
export const substitutedName: RequestForm = {
  name: 'a resource name that envsubst or Helm fills in',
  writes: ['${GPU_RESOURCE}', '{{ .Values.gpuResource }}'],
  read(asked: Asked): Understood | null {
    const found = [...asked.amounts].filter(([resource]) => namesGpus(resource));
    if (found.length === 0) return null;
    const requests = found.map(([resource, amount]) => assumedGpus(asked, resource, amount));
    return { requests, names: found.map(([resource]) => resource) };
  },
};

function namesGpus(resource: string): boolean {
  return findSubstitution(resource)?.names.some((name) => SOUNDS_LIKE_A_GPU.test(name)) === true;
}

function assumedGpus(asked: Asked, resource: string, amount: Amount): DeviceRequest {
  const found = findSubstitution(resource) ?? { kind: 'envsubst' as const, names: [], fallback: null };
  const unresolved = unresolvedAt(amount.places[0] ?? '', resource, found, ASSUMED);
  asked.log.unresolve(unresolved);
  return { ...wholeDevices(ASSUMED, 'nvidia', amount), unresolved };
}
