/**
 * Constants of PyTorch's native caching allocator, in bytes.
 * Source: pytorch c10/cuda/CUDACachingAllocator.cpp and c10/core/AllocatorConfig.h.
 */

/** kMinBlockSize: every block is a multiple of it. */
export const MIN_BLOCK_BYTES = 512;
/** kSmallSize: rounded requests up to here come from the small pool; a remainder must be larger to be split off. */
export const SMALL_REQUEST_BYTES = 1 << 20;
/** kSmallBuffer: a segment of the small pool, and the page of its expandable segments. */
export const SMALL_SEGMENT_BYTES = 2 << 20;
/** kLargeBuffer: the segment for requests under kMinLargeAlloc, and the page of large expandable segments. */
export const LARGE_SEGMENT_BYTES = 20 << 20;
/** kMinLargeAlloc: requests from here on get a segment of their own size. */
export const OWN_SEGMENT_BYTES = 10 << 20;
/** kRoundLarge: own segments are rounded up to it. */
export const OWN_SEGMENT_ROUNDING_BYTES = 2 << 20;
/** kRoundUpPowerOfTwoIntervals: size classes of roundup_power2_divisions, from 1 MiB to 64 GiB. */
export const ROUNDUP_SIZE_CLASSES = 16;
/** An expandable segment takes 1 1/8 of the device's memory as address space. */
export const EXPANDABLE_ADDRESS_SPACE_RATIO = 1.125;
