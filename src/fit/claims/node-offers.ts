import type { DeviceClaimClass, SliceDevice } from '../../inventory/resource-slice.js';
import { sliceDeviceKey } from '../../inventory/resource-slice.js';
import type { DeviceOffers, Node } from '../../inventory/inventory.js';
import { affinityMatches } from '../requirements.js';
import { sharedAmounts } from './allocation.js';

/** What of the offers a node can reach. */
export interface NodeOffers {
  devices: readonly SliceDevice[];
  /** Keys of `devices`, in their order. */
  keys: readonly string[];
  /** Whether no claim holds the device now, in their order. */
  isFree: readonly boolean[];
  /** Whether slices of a pool are still missing: requests for all devices wait then. */
  isIncomplete: boolean;
}

/** Offers by node and class, looked up many times. */
export class OffersIndex {
  readonly classes: ReadonlyMap<string, DeviceClaimClass>;
  readonly allocated: ReadonlySet<string>;
  /** What devices of a pool share in all, and what of it is left, by `driver/pool/set/counter`. */
  readonly counters: ReadonlyMap<string, number>;
  readonly countersLeft: ReadonlyMap<string, number>;
  private readonly local = new Map<string, SliceDevice[]>();
  private readonly shared: SliceDevice[] = [];
  private readonly waiting: SliceDevice[] = [];
  private readonly byNode = new Map<string, NodeOffers>();

  constructor({ pools, classes, allocated }: DeviceOffers) {
    this.classes = new Map(classes.map((each) => [each.name, each]));
    this.allocated = new Set(allocated);
    for (const { devices, isIncomplete } of pools) {
      if (isIncomplete) this.waiting.push(...devices);
      else devices.forEach((device) => this.add(device));
    }
    this.counters = new Map(
      pools.flatMap(({ driver, name, counters }) =>
        Object.entries(counters).map(([counter, amount]) => [`${driver}/${name}/${counter}`, amount] as const),
      ),
    );
    this.countersLeft = this.left(pools.flatMap(({ devices }) => devices));
  }

  of(node: Node): NodeOffers {
    const known = this.byNode.get(node.name) ?? this.reachedFrom(node);
    this.byNode.set(node.name, known);
    return known;
  }

  private add(device: SliceDevice): void {
    if (device.reach.kind !== 'node') {
      this.shared.push(device);
      return;
    }
    const known = this.local.get(device.reach.name) ?? [];
    this.local.set(device.reach.name, known);
    known.push(device);
  }

  private reachedFrom(node: Node): NodeOffers {
    const devices = [...(this.local.get(node.name) ?? []), ...this.shared.filter((device) => reaches(device, node))];
    const keys = devices.map(sliceDeviceKey);
    const isFree = keys.map((key) => !this.allocated.has(key));
    return { devices, keys, isFree, isIncomplete: this.waiting.some((device) => reaches(device, node)) };
  }

  private left(devices: readonly SliceDevice[]): Map<string, number> {
    const left = new Map(this.counters);
    for (const device of devices) {
      if (!this.allocated.has(sliceDeviceKey(device))) continue;
      for (const [counter, amount] of sharedAmounts(device)) left.set(counter, (left.get(counter) ?? 0) - amount);
    }
    return left;
  }
}

function reaches({ reach }: SliceDevice, node: Node): boolean {
  if (reach.kind === 'all') return true;
  return reach.kind === 'node' ? reach.name === node.name : affinityMatches(node, reach.terms);
}
