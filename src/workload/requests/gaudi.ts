import type { Asked, RequestForm, Understood } from './request-form.js';
import { wholeDevices } from './request-form.js';

const RESOURCE = 'habana.ai/gaudi';

/** Intel Gaudi accelerators, whole. */
export const gaudi: RequestForm = {
  name: 'Intel Gaudi device plugin',
  writes: [RESOURCE],
  read(asked: Asked): Understood | null {
    const amount = asked.amounts.get(RESOURCE);
    return amount === undefined ? null : { requests: [wholeDevices(RESOURCE, 'habana', amount)], names: [RESOURCE] };
  },
};
