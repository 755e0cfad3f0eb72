import type { Node } from './inventory.js';

import { migStrategyOf, numberLabel, replicasOf } from './labels.js';
import { MIB } from './reading.js';
import type { Gpu } from './gpu-catalog.js';

/** How the device plugin gives a device to containers. */
export interface Handout {
  /** Extended resource name. */
  resource: string;
  /** Containers that share the device at a time. */
  replicas: number;
}

/** What of a node decides how its devices are handed out. */
export type Offer = Pick<Node, 'labels' | 'allocatable'>;

const MIG_RESOURCE = /^nvidia\.com\/mig-(.+?)(?:\.shared)?$/;
const PROFILE = /^(\d+)g\.(\d+)gb/i;

/** The profile as resource names write it: `1g.10gb+me` → `1g.10gb.me`. */
const inResourceName = (profile: string): string => profile.replace('+', '.').toLowerCase();

/** Under which resource a device of this kind is handed out on the node, and to how many at a time. */
export function handoutOf(node: Offer, vendor: 'nvidia' | 'amd', migProfile: string | null): Handout {
  if (vendor === 'amd') return { resource: 'amd.com/gpu', replicas: 1 };
  if (migProfile !== null && usesProfileNames(node)) return profileHandout(node, inResourceName(migProfile));
  const shared = node.allocatable['nvidia.com/gpu.shared'] ?? 0;
  const resource = shared > 0 ? 'nvidia.com/gpu.shared' : 'nvidia.com/gpu';
  return { resource, replicas: replicasOf(node, node.allocatable[resource] ?? 0) };
}

function profileHandout(node: Offer, profile: string): Handout {
  const replicas = Math.max(1, numberLabel(node.labels, `nvidia.com/mig-${profile}.replicas`) ?? 1);
  const shared = `nvidia.com/mig-${profile}.shared`;
  const isRenamed = (node.allocatable[shared] ?? 0) > 0;
  return { resource: isRenamed ? shared : `nvidia.com/mig-${profile}`, replicas };
}

/** Whether GPU instances have resource names of their own (strategy `mixed`) or go as plain GPUs (`single`, `none`). */
function usesProfileNames(node: Offer): boolean {
  const strategy = migStrategyOf(node.labels);
  if (strategy !== null) return strategy === 'mixed';
  if (offeredProfiles(node).length > 0) return true;
  return (node.allocatable['nvidia.com/gpu'] ?? 0) === 0;
}

function offeredProfiles(node: Offer): readonly string[] {
  return Object.entries(node.allocatable).flatMap(([resource, amount]) => {
    const profile = MIG_RESOURCE.exec(resource)?.[1];
    return profile === undefined || amount <= 0 ? [] : [profile];
  });
}

/**
 * The profile that a GPU instance really is. Exporters round the size in the name from what they measure ("7g.79gb",
 * dcgm-exporter#544, #713), the node offers it under the device plugin's name: of the known profiles with as many
 * compute slices the one whose size comes nearest.
 */
export function canonicalProfile(written: string, capacityBytes: number, node: Offer | null, gpu: Gpu | null): string {
  const offered = node === null ? [] : offeredProfiles(node);
  const known = offered.length > 0 ? offered : (gpu?.migProfiles.map(({ profile }) => profile) ?? []);
  const wanted = inResourceName(written);
  if (known.some((profile) => inResourceName(profile) === wanted)) return written;
  const slices = PROFILE.exec(written)?.[1];
  const gib = capacityBytes / MIB / 1024;
  const distance = (profile: string): number => Math.abs(Number(PROFILE.exec(profile)?.[2]) - gib);
  const [nearest] = known
    .filter((profile) => PROFILE.exec(profile)?.[1] === slices)
    .toSorted((a, b) => distance(a) - distance(b));
  return nearest ?? written;
}
