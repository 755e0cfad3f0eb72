import { parse } from 'yaml';
import { isInventoryDocument, readInventoryDocument, UnreadableInventory } from './inventory-document.js';
import { ClaimObjects } from './claim-objects.js';
import type { DeviceOffers, InventorySnapshot, Node } from './inventory.js';
import { readScrape } from './metric-readers.js';
import { readBoundPod, readNode, withRequested } from './node-object.js';
import type { BoundPod } from './node-object.js';
import type { DeviceReading, GpuLookup } from './reading.js';
import { buildSnapshot } from './snapshot.js';

/** A file of an inventory folder. */
export interface InventoryFile {
  name: string;
  text: string;
}

const EXPOSITION = /\.(prom|txt|metrics)$/;
const OBJECTS = /\.(json|ya?ml)$/;

/** Which files of a folder belong to an inventory. */
export const isInventoryFile = (name: string): boolean => EXPOSITION.test(name) || OBJECTS.test(name);

/** What the files of a folder say, before it is put together. */
export interface InventoryParts {
  nodes: readonly Node[];
  readings: readonly DeviceReading[];
  /** Left out where the files say nothing of what drivers hand out to claims. */
  offers?: DeviceOffers;
}

interface FilesContext {
  nowMs: number;
  gpus: GpuLookup;
}

/**
 * The inventory that files describe: either one inventory document, or what `readInventoryParts` reads.
 * Throws UnreadableInventory, naming the file.
 */
export function readInventoryFiles(files: readonly InventoryFile[], context: FilesContext): InventorySnapshot {
  const [only] = files;
  const content = files.length === 1 && only !== undefined && OBJECTS.test(only.name) ? parsedText(only) : null;
  if (only !== undefined && isInventoryDocument(content)) {
    return readInventoryDocument(content, { ...context, file: only.name });
  }
  const { readings, ...parts } = readInventoryParts(files, context);
  return buildSnapshot({ ...parts, devices: readings, ...context });
}

/**
 * Nodes and devices out of exposition texts (`*.prom`, as exporters print them) beside Kubernetes objects
 * (`kubectl get nodes -o json`, also with pods, ResourceSlices, DeviceClasses and ResourceClaims, as JSON or YAML). A text whose labels do not name a node is taken to be
 * of the node that its file is called after. Throws UnreadableInventory, naming the file.
 */
export function readInventoryParts(files: readonly InventoryFile[], context: FilesContext): InventoryParts {
  const readings = files.filter(({ name }) => EXPOSITION.test(name)).flatMap((file) => devicesOf(file, context));
  const objects = files.filter(({ name }) => OBJECTS.test(name));
  const { nodes, pods, claims } = objectsOf(objects.map((file) => ({ name: file.name, content: parsedText(file) })));
  if (nodes.length === 0 && readings.length === 0) {
    throw new UnreadableInventory(files[0]?.name ?? 'inventory', 'no nodes and no GPU metrics in it');
  }
  const offers = claims.offers();
  return { nodes: withRequested(nodes, pods), readings, ...(offers === null ? {} : { offers }) };
}

function devicesOf(file: InventoryFile, context: FilesContext): readonly DeviceReading[] {
  const fallbackNode = file.name.replace(/^.*\//, '').replace(EXPOSITION, '');
  const { readings } = readScrape(file.text, {
    source: 'dcgm',
    node: null,
    fallbackNode,
    seenAtMs: context.nowMs,
    gpus: context.gpus,
  });
  if (readings.length > 0) return readings;
  throw new UnreadableInventory(file.name, 'no GPU memory in it: DCGM_FI_DEV_FB_FREE and DCGM_FI_DEV_FB_USED expected');
}

function parsedText(file: InventoryFile): unknown {
  try {
    return file.name.endsWith('.json') ? (JSON.parse(file.text) as unknown) : parse(file.text, { maxAliasCount: 100 });
  } catch (error) {
    throw new UnreadableInventory(file.name, `cannot be parsed: ${(error as Error).message.split('\n', 1)[0] ?? ''}`);
  }
}

/** What objects of the cluster say, kind by kind. */
interface ClusterObjects {
  nodes: Node[];
  pods: BoundPod[];
  claims: ClaimObjects;
}

function objectsOf(files: readonly { name: string; content: unknown }[]): ClusterObjects {
  const found: ClusterObjects = { nodes: [], pods: [], claims: new ClaimObjects() };
  for (const { name, content } of files) {
    if (isInventoryDocument(content))
      throw new UnreadableInventory(name, 'an Inventory stands alone; remove other files');
    const objects = itemsOf(content);
    if (objects.length === 0) throw new UnreadableInventory(name, 'neither an Inventory nor a list of nodes and pods');
    for (const object of objects) addObject(object, found);
  }
  return found;
}

function addObject(object: unknown, { nodes, pods, claims }: ClusterObjects): void {
  const kind = kindOf(object) ?? '';
  const node = kind === 'Node' ? readNode(object) : null;
  if (node !== null) nodes.push(node);
  const pod = kind === 'Pod' ? readBoundPod(object) : null;
  if (pod !== null) pods.push(pod);
  claims.add(kind, object);
}

/** The objects of a `List`, `NodeList` or `PodList` (whose items need not say their kind), or the object itself. */
function itemsOf(content: unknown): readonly unknown[] {
  const kind = kindOf(content);
  if (kind === null || typeof content !== 'object' || content === null) return [];
  if (!kind.endsWith('List')) return [content];
  const items = 'items' in content && Array.isArray(content.items) ? (content.items as unknown[]) : [];
  const itemKind = kind.slice(0, -'List'.length);
  if (itemKind === '') return items;
  return items.map((item) => (typeof item === 'object' ? { ...item, kind: itemKind } : item));
}

function kindOf(object: unknown): string | null {
  if (typeof object !== 'object' || object === null || !('kind' in object)) return null;
  return typeof object.kind === 'string' ? object.kind : null;
}
