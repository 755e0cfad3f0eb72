import type { GpuCatalog } from '../../inventory/gpu-catalog.js';
import { readInventoryDocument } from '../../inventory/inventory-document.js';
import type { InventorySnapshot } from '../../inventory/inventory.js';
import { CliError } from '../cli-error.js';

/** GPUs that a person supposes: `a100-40gb`, `a100-40gb:8`, `a100-40gb:8x4`, `h100/3g.40gb:2`. */
export interface SupposedGpus {
  name: string;
  migProfile: string | null;
  /** GPUs of one node; null: as many as a pod asks for. */
  perNode: number | null;
  /** Nodes; null: as many as the workload has pods. */
  nodes: number | null;
}

const WRITTEN = /^([^:/]+)(?:\/([0-9]+g\.[0-9]+gb[^:]*))?(?::([1-9]\d{0,3})(?:x([1-9]\d{0,3}))?)?$/i;
const EXAMPLES = 'write a name with or without a number: --gpu a100-40gb, --gpu h100:8, --gpu h100:8x4 (four nodes)';

/** Reads the value of `--gpu`. Throws CliError where it is not understood. */
export function parseSupposedGpus(text: string): SupposedGpus {
  const found = WRITTEN.exec(text.trim());
  if (found?.[1] === undefined) throw new CliError(`--gpu ${text} is not understood`, EXAMPLES);
  const [, name, migProfile = null, perNode, nodes] = found;
  return {
    name,
    migProfile,
    perNode: perNode === undefined ? null : Number(perNode),
    nodes: nodes === undefined ? null : Number(nodes),
  };
}

/** What a workload asks for where the person gives no number. */
export interface Wanted {
  devicesPerPod: number;
  pods: number;
}

const MOST_SUPPOSED_NODES = 1000;

function deviceEntries(supposed: SupposedGpus, gpus: GpuCatalog, wanted: Wanted): { node: string; model: string }[] {
  const gpu = gpus.find(supposed.name);
  if (gpu === null) {
    const known = gpus.gpus.slice(0, 400).map(({ model }) => model);
    const near = known.filter((model) => model.toLowerCase().includes(supposed.name.toLowerCase().slice(0, 3)));
    const remedy = near.length > 0 ? `known names like it: ${near.slice(0, 5).join(', ')}` : EXAMPLES;
    throw new CliError(`no GPU is known by the name ${supposed.name}`, remedy);
  }
  if (supposed.migProfile !== null && gpus.findMigProfile(gpu, supposed.migProfile) === null) {
    const profiles = gpu.migProfiles.map(({ profile }) => profile).join(', ') || 'none';
    throw new CliError(`${gpu.model} has no MIG profile ${supposed.migProfile}`, `its profiles: ${profiles}`);
  }
  const count = supposed.perNode ?? wanted.devicesPerPod;
  const nodes = supposed.nodes ?? Math.min(wanted.pods, MOST_SUPPOSED_NODES);
  return Array.from({ length: nodes }, (_, index) => ({
    node: `supposed-${supposed.name}-${index + 1}`,
    model: gpu.model,
    migProfile: supposed.migProfile,
    count,
  }));
}

/** An inventory of supposed nodes: they take every pod, so that only GPUs and their memory decide. */
export function supposedInventory(
  supposed: readonly SupposedGpus[],
  wanted: Wanted,
  context: { gpus: GpuCatalog; nowMs: number },
): InventorySnapshot {
  const devices = supposed.flatMap((each) => deviceEntries(each, context.gpus, wanted));
  const document = { apiVersion: 'plimsoll.dev/v1', kind: 'Inventory', devices };
  const snapshot = readInventoryDocument(document, { file: '--gpu', nowMs: context.nowMs, gpus: context.gpus });
  return { ...snapshot, nodes: snapshot.nodes.map((node) => ({ ...node, allocatable: {}, supposed: true })) };
}
