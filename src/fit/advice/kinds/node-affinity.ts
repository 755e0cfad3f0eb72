import type { AdviceKind } from '../proposal.js';

/** Keeps the pods on the devices that fit. */
export const nodeAffinity: AdviceKind = {
  name: 'node-affinity',
  answers: ['fits-some'],
  price: 'speed',
  combines: false,
  ladder({ fit }) {
    if (fit.affinity === null) return [];
    return [{ edits: [{ field: 'placement.affinity', value: fit.affinity }], costs: ['fewer nodes to choose from'] }];
  },
};
