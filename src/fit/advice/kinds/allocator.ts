import { SHORT_OF_MEMORY } from '../proposal.js';
import type { AdviceKind } from '../proposal.js';

const EXPANDABLE = 'expandable_segments:True';

/** Segments that grow instead of fragmenting: c10/cuda/CUDACachingAllocator.cpp, ExpandableSegment. */
export const allocator: AdviceKind = {
  name: 'allocator',
  answers: SHORT_OF_MEMORY,
  price: 'speed',
  combines: true,
  ladder({ values }) {
    if (values.framework.name !== 'pytorch') return [];
    if (values.allocator.includes('expandable_segments') || values.allocator.includes('backend:')) return [];
    const value = values.allocator === '' ? EXPANDABLE : `${values.allocator},${EXPANDABLE}`;
    return [{ edits: [{ field: 'allocator', value }], costs: [] }];
  },
};
