import { canWrite } from '../program-flags.js';
import { SHORT_OF_MEMORY } from '../proposal.js';
import type { AdviceKind } from '../proposal.js';

/** Keeps layer inputs only and runs each layer's forward again. */
export const checkpointing: AdviceKind = {
  name: 'checkpointing',
  answers: SHORT_OF_MEMORY,
  price: 'speed',
  combines: true,
  ladder({ values, run, options }) {
    const isCertain = run.activationCheckpointing.range === undefined;
    if (values.activationCheckpointing === 'full' && isCertain) return [];
    if (!canWrite({ run, options }, 'activationCheckpointing')) return [];
    const costs = ['recomputes the forward pass of each layer'];
    return [{ edits: [{ field: 'activationCheckpointing', value: 'full' }], costs }];
  },
};
