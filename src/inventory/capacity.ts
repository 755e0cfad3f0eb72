import type { Gpu } from './gpu-catalog.js';

/** Frame-buffer figures of one device at one moment, in MiB; absent where not published. */
export interface FrameBuffer {
  free?: number;
  used?: number;
  reserved?: number;
  total?: number;
}

export interface Capacity {
  capacityMib: number;
  note: string;
}

/**
 * Share of the total that the driver keeps where neither the exporter nor the catalog says: 3 %, at least 256 MiB,
 * the upper end of what is seen (0.4–0.9 % on large HBM, 1.3 % on L40S, 3 % on T4).
 * Source: NVIDIA/KAI-Scheduler issue 2212.
 */
const RESERVE_SHARE = 0.03;
const RESERVE_FLOOR_MIB = 256;

/**
 * How far totals of older drivers are below today's (0.8 % on A100-80 to 1.6 % on T4); with ECC switched over they
 * differ by 6 %.
 */
const OLD_DRIVER_DIFFERENCE = 0.02;

/** How close FREE + USED must come to the total before it is taken for the total. */
const SAME_AS_TOTAL = 0.001;

/**
 * What processes can use of a device: FREE + USED, which is the total that CUDA reports. Two exceptions:
 * drivers of the 510 era with an old DCGM count the reserve as used, so that the sum is the whole card
 * (gpu-operator#348, dcgm-exporter#136): the reserve is then taken off; and where only TOTAL is published, it is
 * TOTAL less the reserve. null where the figures do not tell.
 */
export function capacityOf(frame: FrameBuffer, gpu: Gpu | null, mig: boolean): Capacity | null {
  if (frame.free !== undefined && frame.used !== undefined) return fromSum(frame, frame.free + frame.used, gpu, mig);
  if (frame.total === undefined || frame.total <= 0) return null;
  if (mig) return { capacityMib: frame.total, note: 'FB_TOTAL of the instance' };
  return lessReserve(frame, frame.total, gpu, 'FB_TOTAL');
}

/**
 * What processes can use of a GPU whose nvidia-smi total is known, and how that was worked out. Totals of older drivers
 * are smaller than today's because they leave the reserve out (A100-40: 40536, now 40960): nothing is taken off twice.
 */
export function usableOf(totalMib: number, gpu: Gpu | null): Capacity {
  const known = catalogFigures(gpu);
  if (known === null) {
    const guess = Math.max(RESERVE_FLOOR_MIB, Math.round(totalMib * RESERVE_SHARE));
    return { capacityMib: totalMib - guess, note: `less an assumed driver reserve of ${guess} MiB` };
  }
  const isSameCard = Math.abs(totalMib - known.totalMib) <= known.totalMib * OLD_DRIVER_DIFFERENCE;
  const capacityMib = isSameCard ? Math.min(totalMib, known.usableMib) : totalMib - (known.totalMib - known.usableMib);
  return { capacityMib, note: `less ${totalMib - capacityMib} MiB driver reserve` };
}

function fromSum(frame: FrameBuffer, sum: number, gpu: Gpu | null, mig: boolean): Capacity | null {
  if (sum <= 0) return null;
  const whole = frame.total ?? gpu?.totalMib ?? null;
  const countsReserve = !mig && whole !== null && Math.abs(sum - whole) <= whole * SAME_AS_TOTAL;
  if (!countsReserve) return { capacityMib: sum, note: 'FB_FREE + FB_USED' };
  return lessReserve(frame, sum, gpu, 'FB_FREE + FB_USED, which count the reserve here,');
}

function lessReserve(frame: FrameBuffer, whole: number, gpu: Gpu | null, of: string): Capacity {
  if (frame.reserved !== undefined && frame.reserved > 0) {
    return { capacityMib: whole - frame.reserved, note: `${of} less FB_RESERVED` };
  }
  const { capacityMib, note } = usableOf(whole, gpu);
  return { capacityMib, note: `${of} ${note}` };
}

function catalogFigures(gpu: Gpu | null): { totalMib: number; usableMib: number } | null {
  if (gpu === null || gpu.totalMib === null || gpu.usableMib === null) return null;
  return gpu.totalMib > gpu.usableMib ? { totalMib: gpu.totalMib, usableMib: gpu.usableMib } : null;
}
