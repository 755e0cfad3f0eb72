import type { Device, InventorySnapshot } from '../inventory/inventory.js';
import { deviceKey } from '../inventory/reading.js';
import { heldDevices } from '../observation/assignment.js';
import type { HeldDevice } from '../observation/assignment.js';
import type { Ending } from '../observation/container-status.js';
import { firstUse, furtherUse, joinedUse, ownPeakOf } from '../observation/device-use.js';
import type { DeviceUse } from '../observation/device-use.js';
import type { HolderPod } from '../observation/holder-pod.js';
import { Baselines } from './baselines.js';

/** One attempt of a pod, with what it used of each device so far. */
export interface Attempt {
  /** `<uid of the pod>/<attempt>` */
  id: string;
  pod: HolderPod;
  node: string;
  uses: Map<string, { device: Device; use: DeviceUse }>;
  /** What was stored of it before this process began. */
  earlier: DeviceUse | null;
  ending: Ending | null;
}

export const attemptId = ({ uid }: HolderPod, attempt: number): string => `${uid}/${attempt}`;

/** Follows what pods use of their devices, sample by sample. In memory; what it gives out is to be stored by others. */
export class Attempts {
  readonly #attempts = new Map<string, Attempt>();
  readonly #baselines = new Baselines();

  /** `stored`: what is known already of an attempt, by its id. */
  constructor(private readonly stored: (id: string) => DeviceUse | null) {}

  get size(): number {
    return this.#attempts.size;
  }

  /** Takes a snapshot in at the time `nowMs`; gives the attempts that it says something new of. */
  observe({ devices }: InventorySnapshot, pods: readonly HolderPod[], nowMs: number): readonly Attempt[] {
    const byNode = grouped(
      devices.filter(({ usedBytes }) => usedBytes !== null),
      ({ node }) => node,
    );
    const podsByNode = grouped(pods, ({ node }) => node ?? '');
    const touched = new Set<Attempt>();
    for (const [node, ofNode] of byNode) {
      const held = heldDevices(ofNode, podsByNode.get(node) ?? []);
      this.#noteIdle(ofNode, held);
      for (const [pod, itsDevices] of held) {
        const attempt = this.#attemptOf(pod, node);
        if (this.#sample(attempt, itsDevices, nowMs)) touched.add(attempt);
      }
    }
    for (const pod of pods) for (const attempt of this.#endedBefore(pod, byNode)) touched.add(attempt);
    return [...touched];
  }

  /** Takes in how the last attempt of a pod ended; null: nothing is known of it. Afterwards it is no longer followed. */
  end(pod: HolderPod, ending: Ending | null, snapshot: InventorySnapshot): Attempt | null {
    const id = attemptId(pod, pod.attempt);
    const known = this.#attempts.get(id) ?? this.#unseen(pod, ending, pod.attempt, devicesOf(pod, snapshot));
    for (const key of this.#attempts.keys()) if (key.startsWith(`${pod.uid}/`)) this.#attempts.delete(key);
    if (known === null) return null;
    known.ending = ending ?? known.ending;
    return known;
  }

  /** What was stored of an attempt that is followed, and was not known when that began. */
  adopt(id: string, use: DeviceUse): void {
    const attempt = this.#attempts.get(id);
    if (attempt !== undefined) attempt.earlier ??= use;
  }

  #noteIdle(devices: readonly Device[], held: ReadonlyMap<HolderPod, readonly HeldDevice[]>): void {
    const taken = new Set([...held.values()].flat().map(({ device }) => device));
    for (const device of devices) if (!taken.has(device)) this.#baselines.note(device);
  }

  #attemptOf(pod: HolderPod, node: string): Attempt {
    const id = attemptId(pod, pod.attempt);
    const known = this.#attempts.get(id);
    if (known !== undefined) {
      known.pod = pod;
      return known;
    }
    const attempt: Attempt = { id, pod, node, uses: new Map(), earlier: this.stored(id), ending: null };
    this.#attempts.set(id, attempt);
    return attempt;
  }

  /** Whether any of its devices has a newer sample. */
  #sample(attempt: Attempt, held: readonly HeldDevice[], nowMs: number): boolean {
    let isNew = attempt.pod.ending !== attempt.ending;
    attempt.ending = attempt.pod.ending;
    for (const { device, sharing, usedBytes } of held) {
      if (usedBytes === null) continue;
      const sample = { atMs: device.seenAtMs, usedBytes, capacityBytes: device.capacityBytes, sharing };
      const before = attempt.uses.get(deviceKey(device))?.use;
      const use =
        before === undefined ? firstUse(sample, this.#before(attempt, device)) : furtherUse(before, sample, nowMs);
      if (use !== before) isNew = true;
      attempt.uses.set(deviceKey(device), { device, use });
    }
    return isNew;
  }

  #before({ earlier, id }: Attempt, device: Device): number | null {
    const idle = this.#baselines.take(device, device.seenAtMs);
    if (earlier !== null) return earlier.baselineBytes;
    // Of a pod that was started again in place: what it found is what the attempt before it found.
    const [uid = '', attempt = '0'] = id.split('/');
    const previous = this.#attempts.get(`${uid}/${Number(attempt) - 1}`)?.uses.get(deviceKey(device));
    return idle ?? previous?.use.baselineBytes ?? null;
  }

  /** Attempts that ended in place: that they were out of memory is known even where they were too short to be sampled. */
  #endedBefore(pod: HolderPod, byNode: ReadonlyMap<string, readonly Device[]>): readonly Attempt[] {
    if (pod.attempt === 0 || pod.lastEnding === null) return [];
    const id = attemptId(pod, pod.attempt - 1);
    const known = this.#attempts.get(id);
    if (known !== undefined) {
      const isNew = known.ending !== pod.lastEnding;
      known.ending = pod.lastEnding;
      this.#attempts.delete(id);
      return isNew ? [known] : [];
    }
    if (this.stored(id) !== null) return [];
    const unseen = this.#unseen(pod, pod.lastEnding, pod.attempt - 1, byNode.get(pod.node ?? '') ?? []);
    return unseen === null ? [] : [unseen];
  }

  /**
   * An attempt that ended before any sample was taken: of one that was out of GPU memory it is still known on what. Only
   * where all devices that it may have had are alike; what is in use of the fullest of them may have been in its way.
   */
  #unseen(pod: HolderPod, ending: Ending | null, attempt: number, devices: readonly Device[]): Attempt | null {
    const id = attemptId(pod, attempt);
    const possible = devices.filter(({ resource }) => (pod.asks[resource] ?? 0) > 0);
    const [device] = possible.toSorted((a, b) => a.capacityBytes - b.capacityBytes);
    const isAlike = possible.every((one) => one.model === device?.model && one.migProfile === device.migProfile);
    if (ending !== 'out-of-gpu-memory' || device === undefined || !isAlike || pod.node === null) return null;
    const beside = Math.max(...possible.map((one) => this.#baselines.of(one, device.seenAtMs) ?? 0));
    const sharing = possible.some(({ replicas }) => replicas > 1) ? ('mixed' as const) : ('alone' as const);
    const sample = { atMs: device.seenAtMs, usedBytes: beside, capacityBytes: device.capacityBytes, sharing };
    const uses = new Map([[deviceKey(device), { device, use: firstUse(sample, beside) }]]);
    return { id, pod, node: pod.node, uses, earlier: null, ending };
  }
}

const devicesOf = (pod: HolderPod, { devices }: InventorySnapshot): readonly Device[] =>
  devices.filter(({ node }) => node === pod.node);

/** The device on which the attempt used most, with all that is known of it; null where nothing was sampled. */
export function worstOf({ uses, earlier }: Attempt): { device: Device; use: DeviceUse } | null {
  const [first, ...rest] = uses.values();
  if (first === undefined) return null;
  const worst = rest.reduce((a, b) => (ownPeakOf(b.use) > ownPeakOf(a.use) ? b : a), first);
  return earlier === null ? worst : { device: worst.device, use: joinedUse(earlier, worst.use) };
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
