import type { Device } from '../inventory/inventory.js';
import { deviceKey } from '../inventory/reading.js';

interface Idle {
  /** The last two samples under no pod. */
  bytes: readonly number[];
  atMs: number;
}

/** A figure from before the pod came that is older than this says nothing. */
const BELIEVED_MS = 10 * 60_000;

/**
 * What is in use of each device while no pod holds it: what somebody left behind, or a process beside Kubernetes. The
 * smaller of two samples in a row, as the memory of a pod that is just gone may still show in the first.
 */
export class Baselines {
  readonly #idle = new Map<string, Idle>();

  /** Takes a sample of a device that no pod holds. */
  note(device: Device): void {
    const { usedBytes, seenAtMs } = device;
    const known = this.#idle.get(deviceKey(device));
    if (usedBytes === null || (known !== undefined && seenAtMs <= known.atMs)) return;
    this.#idle.set(deviceKey(device), { bytes: [...(known?.bytes ?? []), usedBytes].slice(-2), atMs: seenAtMs });
  }

  /** What was in use before `atMs`; null where that is not known. Forgets it: a pod holds the device now. */
  take(device: Device, atMs: number): number | null {
    const idle = this.#idle.get(deviceKey(device));
    this.#idle.delete(deviceKey(device));
    return believed(idle, atMs);
  }

  /** What is in use of a device that no pod holds now. */
  of(device: Device, atMs: number): number | null {
    return believed(this.#idle.get(deviceKey(device)), atMs);
  }
}

function believed(idle: Idle | undefined, atMs: number): number | null {
  if (idle === undefined || idle.bytes.length < 2 || atMs - idle.atMs > BELIEVED_MS) return null;
  return Math.min(...idle.bytes);
}
