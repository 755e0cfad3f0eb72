import { canWrite } from '../program-flags.js';
import { SHORT_OF_MEMORY } from '../proposal.js';
import type { AdviceKind } from '../proposal.js';

/** The fused step needs no temporaries as large as the states: torch/optim/adamw.py, _multi_tensor_adamw. */
export const fusedOptimizer: AdviceKind = {
  name: 'fused-optimizer',
  answers: SHORT_OF_MEMORY,
  price: 'speed',
  combines: true,
  ladder({ run, options, values: { optimizer } }) {
    if (!canWrite({ run, options }, 'optimizer.implementation')) return [];
    if (optimizer.implementation !== 'foreach' && optimizer.implementation !== 'for-loop') return [];
    return [{ edits: [{ field: 'optimizer.implementation', value: 'fused' }], costs: [] }];
  },
};
