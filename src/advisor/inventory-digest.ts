import { createHash } from 'node:crypto';
import { bandOf } from '../fit/device-class.js';
import type { Device, InventorySnapshot, Node } from '../inventory/inventory.js';

/** Sources hand the same labels and amounts out again and again: each object is hashed once. */
const hashes = new WeakMap<object, string>();

function hashedOnce(value: object): string {
  const known = hashes.get(value);
  if (known !== undefined) return known;
  const hash = createHash('sha256').update(JSON.stringify(value)).digest('base64');
  hashes.set(value, hash);
  return hash;
}

const nodeKey = ({ name, labels, taints, unschedulable, ready, allocatable, supposed, potential }: Node): string =>
  `${name} ${hashedOnce(labels)} ${hashedOnce(taints)} ${hashedOnce(allocatable)} ` +
  `${unschedulable} ${ready} ${supposed ?? false} ${potential ?? false}`;

/** FNV-1a over the text, from a start that tells two lanes apart. */
function textHash(text: string, start: number): number {
  let hash = start;
  for (let index = 0; index < text.length; index += 1) hash = Math.imul(hash ^ text.charCodeAt(index), 0x0100_0193);
  return hash;
}

/** The last step of MurmurHash3: every bit of the input reaches every bit of the output. */
function mixed(value: number): number {
  let hash = Math.imul(value ^ (value >>> 16), 0x85eb_ca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
  return hash ^ (hash >>> 16);
}

/** Adds up hashes of 64 bits, so that order makes no difference; equal texts are hashed once. */
class UnorderedHash {
  private readonly known = new Map<string, readonly [number, number]>();
  private sums: [number, number] = [0, 0];

  add(texts: readonly string[], number: number): void {
    let [first, second] = [mixed(number), mixed(number ^ 0x9e37_79b9)];
    for (const text of texts) {
      const [a, b] = this.hashOf(text);
      first = mixed(Math.imul(first, 31) ^ a);
      second = mixed(Math.imul(second, 37) ^ b);
    }
    this.sums = [(this.sums[0] + first) | 0, (this.sums[1] + second) | 0];
  }

  get text(): string {
    return this.sums.map((sum) => (sum >>> 0).toString(36)).join('-');
  }

  private hashOf(text: string): readonly [number, number] {
    const known = this.known.get(text) ?? [textHash(text, 0x811c_9dc5), textHash(text, 0x1234_5678)];
    this.known.set(text, known);
    return known;
  }
}

const MIB = 1024 ** 2;

/** Bands of 16 MiB as a number of 32 bits, with the containers that share the device. */
const sizeOf = ({ capacityBytes, replicas }: Device): number => (bandOf(capacityBytes) / MIB) * 1024 + replicas;

/**
 * A hash of all that verdicts and advice rest on: nodes, device classes, capacities. What comes and goes with every
 * sample (memory in use, pods, ages) is not in it, so that inventories of equal digest give equal answers but for the
 * pods that have room just now. The order of nodes and devices makes no difference.
 */
export function inventoryDigest({ nodes, devices, offers }: InventorySnapshot): string {
  const hash = new UnorderedHash();
  if (offers !== undefined) hash.add([hashedOnce(offers.pools), hashedOnce(offers.classes)], 1);
  for (const node of nodes) hash.add([nodeKey(node)], nodes.length);
  for (const device of devices) {
    const { node, resource, model, migProfile } = device;
    hash.add([node, resource, model, migProfile ?? ''], sizeOf(device));
  }
  return hash.text;
}
