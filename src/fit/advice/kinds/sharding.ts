import { canWrite } from '../program-flags.js';
import type { Sharding } from '../../../run/training-run.js';
import { SHORT_OF_MEMORY } from '../proposal.js';
import type { AdviceKind } from '../proposal.js';

/** What each way of holding state may be exchanged for, mildest first. */
const STRONGER: Readonly<Partial<Record<Sharding, readonly Sharding[]>>> = {
  none: ['fsdp-full'],
  ddp: ['fsdp-full'],
  zero1: ['zero2', 'zero3'],
  zero2: ['zero3'],
  'fsdp-grad-op': ['fsdp-full'],
  hsdp: ['fsdp-full'],
};

const COST = 'gathers and scatters parameters over the network';

/** Spreads parameters, gradients and optimizer states over the ranks: arXiv 1910.02054, section 7. */
export const sharding: AdviceKind = {
  name: 'sharding',
  answers: SHORT_OF_MEMORY,
  price: 'speed',
  combines: true,
  ladder({ run, options, values: { parallelism } }) {
    if (!canWrite({ run, options }, 'parallelism.sharding')) return [];
    if (parallelism.data < 2 || parallelism.tensor > 1 || parallelism.pipeline > 1) return [];
    return (STRONGER[parallelism.sharding] ?? []).map((value) => ({
      edits: [
        { field: 'parallelism.sharding', value },
        { field: 'parallelism.shardSize', value: parallelism.data },
      ],
      costs: [COST],
    }));
  },
};
