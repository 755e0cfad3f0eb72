import { canWrite } from '../program-flags.js';
import { SHORT_OF_MEMORY } from '../proposal.js';
import type { AdviceKind, Proposal } from '../proposal.js';

/** Attention that does not keep a score for every pair of tokens. */
export const attention: AdviceKind = {
  name: 'attention',
  answers: SHORT_OF_MEMORY,
  price: 'speed',
  combines: true,
  ladder({ run, options, values }) {
    if (values.sequenceLength === null || !canWrite({ run, options }, 'attention')) return [];
    const sdpa: Proposal = { edits: [{ field: 'attention', value: 'sdpa' }], costs: [] };
    const flash: Proposal = {
      edits: [{ field: 'attention', value: 'flash-attention-2' }],
      costs: ['needs the package flash-attn in the image'],
    };
    if (values.attention === 'eager') return [sdpa, flash];
    return values.attention === 'sdpa' || values.attention === 'sdpa-math' ? [flash] : [];
  },
};
