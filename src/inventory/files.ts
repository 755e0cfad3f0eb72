import { parse } from 'yaml';
import { isInventoryDocument, readInventoryDocument, UnreadableInventory } from './inventory-document.js';
import type { InventorySnapshot, Node } from './inventory.js';
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

/**
 * The inventory that files describe: either one inventory document, or exposition texts (`*.prom`, as exporters print
 * them) beside Kubernetes objects (`kubectl get nodes -o json`, also with pods, as JSON or YAML). A text whose labels do
 * not name a node is taken to be of the node that its file is called after.
 * Throws UnreadableInventory, naming the file.
 */
export function readInventoryFiles(
  files: readonly InventoryFile[],
  context: { nowMs: number; gpus: GpuLookup },
): InventorySnapshot {
  const texts = files.filter(({ name }) => EXPOSITION.test(name));
  const parsed = files.filter(({ name }) => OBJECTS.test(name)).map((file) => ({ ...file, content: parsedText(file) }));
  const document = parsed.find(({ content }) => isInventoryDocument(content));
  if (document !== undefined) {
    if (files.length > 1) throw new UnreadableInventory(document.name, 'an Inventory stands alone; remove other files');
    return readInventoryDocument(document.content, { ...context, file: document.name });
  }
  const { nodes, pods } = objectsOf(parsed);
  const devices = texts.flatMap((file) => devicesOf(file, context));
  if (nodes.length === 0 && devices.length === 0) {
    throw new UnreadableInventory(files[0]?.name ?? 'inventory', 'no nodes and no GPU metrics in it');
  }
  return buildSnapshot({ nodes: withRequested(nodes, pods), devices, ...context });
}

function devicesOf(file: InventoryFile, context: { nowMs: number; gpus: GpuLookup }): readonly DeviceReading[] {
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

function objectsOf(files: readonly { name: string; content: unknown }[]): { nodes: Node[]; pods: BoundPod[] } {
  const nodes: Node[] = [];
  const pods: BoundPod[] = [];
  for (const { name, content } of files) {
    const objects = itemsOf(content);
    if (objects.length === 0) throw new UnreadableInventory(name, 'neither an Inventory nor a list of nodes and pods');
    for (const object of objects) addObject(object, nodes, pods);
  }
  return { nodes, pods };
}

function addObject(object: unknown, nodes: Node[], pods: BoundPod[]): void {
  const kind = kindOf(object);
  const node = kind === 'Node' ? readNode(object) : null;
  if (node !== null) nodes.push(node);
  const pod = kind === 'Pod' ? readBoundPod(object) : null;
  if (pod !== null) pods.push(pod);
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
