import type { Asked, RequestForm, Understood } from './request-form.js';
import { wholeDevices } from './request-form.js';

/** `nvidia.com/mig-3g.40gb`, `nvidia.com/mig-1g.10gb.me` (resource names hold no `+`), and shared replicas of them. */
const MIG = /^nvidia\.com\/mig-(\d{1,2}g\.\d{1,4}gb)(\.[a-z0-9.]{1,20}?)?(\.shared)?$/;

/** The profile as nvidia-smi writes it (`1g.10gb+me`) of a resource name; null where it names none. */
export function migProfileOf(resource: string): string | null {
  const found = MIG.exec(resource);
  if (found === null) return null;
  return `${found[1]}${(found[2] ?? '').replace('.', '+')}`;
}

/** NVIDIA's device plugin with the MIG strategy `mixed`: one resource name for each profile. */
export const nvidiaMig: RequestForm = {
  name: 'NVIDIA MIG (strategy mixed)',
  writes: ['nvidia.com/mig-<N>g.<M>gb', 'nvidia.com/mig-<N>g.<M>gb.me'],
  read(asked: Asked): Understood | null {
    const found = [...asked.amounts].flatMap(([resource, amount]) => {
      const migProfile = migProfileOf(resource);
      return migProfile === null ? [] : [{ ...wholeDevices(resource, 'nvidia', amount, 'mig'), migProfile }];
    });
    return found.length === 0 ? null : { requests: found, names: found.map(({ resource }) => resource) };
  },
};
