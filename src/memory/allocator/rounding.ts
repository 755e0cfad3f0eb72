import type { AllocatorConfig } from './config.js';
import {
  LARGE_SEGMENT_BYTES,
  MIN_BLOCK_BYTES,
  OWN_SEGMENT_BYTES,
  OWN_SEGMENT_ROUNDING_BYTES,
  ROUNDUP_SIZE_CLASSES,
  SMALL_REQUEST_BYTES,
  SMALL_SEGMENT_BYTES,
} from './constants.js';

/** `bytes` rounded up to a multiple of `step`; exact for any memory size and the steps used here. */
export const ceilTo = (bytes: number, step: number): number => Math.ceil(bytes / step) * step;

const floorPowerOfTwo = (bytes: number): number => 2 ** Math.floor(Math.log2(bytes));

/** Rounds up to one of `divisions` equal steps between two powers of two (roundup_power2_next_division). */
function roundToDivision(bytes: number, divisions: number): number {
  const floor = floorPowerOfTwo(bytes);
  if (floor === bytes) return bytes;
  const step = floor / floorPowerOfTwo(divisions);
  return step < 1 ? floor * 2 : ceilTo(bytes, step);
}

/** Rounds a request to the size of the block that serves it (round_size). */
export type Rounding = (requestedBytes: number) => number;

const roundToBlock: Rounding = (bytes) => (bytes < MIN_BLOCK_BYTES ? MIN_BLOCK_BYTES : ceilTo(bytes, MIN_BLOCK_BYTES));

/** The rounding under a configuration: 512-byte blocks, or steps between powers of two where those are set. */
export function roundingOf(config: AllocatorConfig): Rounding {
  if (config.roundupDivisions.every((divisions) => divisions <= 1)) return roundToBlock;
  return (bytes) => {
    const sizeClass = Math.floor(Math.log2(Math.max(bytes, 1))) - 20;
    const divisions = config.roundupDivisions[Math.min(Math.max(sizeClass, 0), ROUNDUP_SIZE_CLASSES - 1)] ?? 0;
    const stepped = divisions > 1 && bytes > MIN_BLOCK_BYTES * divisions;
    return stepped ? roundToDivision(bytes, divisions) : roundToBlock(bytes);
  };
}

/** Bytes asked of CUDA for a block of `blockBytes` when no cached one fits (get_allocation_size). */
export function segmentBytes(blockBytes: number): number {
  if (blockBytes <= SMALL_REQUEST_BYTES) return SMALL_SEGMENT_BYTES;
  if (blockBytes < OWN_SEGMENT_BYTES) return LARGE_SEGMENT_BYTES;
  return ceilTo(blockBytes, OWN_SEGMENT_ROUNDING_BYTES);
}
