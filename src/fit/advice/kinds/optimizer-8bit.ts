import { canWrite } from '../program-flags.js';
import { SHORT_OF_MEMORY } from '../proposal.js';
import type { AdviceKind } from '../proposal.js';

/** States of 8 bits with a scale per 256 elements: bitsandbytes, optim.AdamW8bit. */
export const optimizer8bit: AdviceKind = {
  name: 'optimizer-8bit',
  answers: SHORT_OF_MEMORY,
  price: 'speed',
  combines: true,
  ladder({ run, options, values: { optimizer } }) {
    if (!canWrite({ run, options }, 'optimizer.implementation')) return [];
    if (optimizer.implementation === '8bit' || optimizer.implementation.startsWith('paged')) return [];
    const costs = ['optimizer states of 8 bits: needs the package bitsandbytes in the image'];
    return [{ edits: [{ field: 'optimizer.implementation', value: '8bit' }], costs }];
  },
};
