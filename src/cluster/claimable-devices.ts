import type { DeviceOffers } from '../inventory/inventory.js';
import { gatherPools, readAllocatedDevices, readDeviceClass, readResourceSlice } from '../inventory/resource-slice.js';
import type { DeviceClaimClass, ResourceSlice } from '../inventory/resource-slice.js';
import { KindFollower } from '../watch/kind-follower.js';
import type { Following, KindFollowerParts } from '../watch/kind-follower.js';
import type { JsonObject } from '../workload/workload.js';
import type { ResourceName } from './cluster.js';

const VERSIONS = ['v1', 'v1beta2', 'v1beta1'] as const;
const kind = (resource: string): ResourceName => ({ apiGroup: 'resource.k8s.io', versions: VERSIONS, resource });

/** What was read of the objects of one kind, by namespace and name. */
class Book<T> {
  readonly read = new Map<string, T>();
  private readonly texts = new Map<string, string>();
  isListed = false;

  /** Whether that is news: most changes of an object are of what is not read of it. */
  note(object: JsonObject, value: T | null): boolean {
    const { namespace, name } = (object['metadata'] ?? {}) as { namespace?: string; name?: string };
    const key = `${namespace ?? ''}/${name ?? ''}`;
    const text = value === null ? undefined : JSON.stringify(value);
    if (this.texts.get(key) === text) return false;
    if (value === null || text === undefined) {
      this.read.delete(key);
      this.texts.delete(key);
    } else {
      this.read.set(key, value);
      this.texts.set(key, text);
    }
    return true;
  }
}

/** What the cluster's drivers hand out to claims, and what of it is held; kept in memory by informers. */
export class ClaimableDevices {
  readonly #follower: KindFollower;
  readonly #slices = new Book<ResourceSlice>();
  readonly #classes = new Book<DeviceClaimClass>();
  readonly #claims = new Book<readonly string[]>();
  #offers: DeviceOffers | null = null;

  constructor(
    parts: KindFollowerParts,
    private readonly changed: () => void,
  ) {
    this.#follower = new KindFollower(parts);
  }

  start(): void {
    this.#follower.follow(kind('resourceslices'), this.#following(this.#slices, readResourceSlice));
    this.#follower.follow(kind('deviceclasses'), this.#following(this.#classes, readDeviceClass));
    this.#follower.follow(kind('resourceclaims'), this.#following(this.#claims, readAllocatedDevices));
  }

  stop(): Promise<void> {
    return this.#follower.stop();
  }

  /** The same object while nothing changes; null: not known yet, or the cluster has no such resources. */
  offers(): DeviceOffers | null {
    const isKnown = [this.#slices, this.#classes, this.#claims].every(({ isListed }) => isListed);
    if (!isKnown) return null;
    this.#offers ??= {
      pools: gatherPools([...this.#slices.read.values()]),
      classes: [...this.#classes.read.values()],
      allocated: [...this.#claims.read.values()].flat(),
    };
    return this.#offers;
  }

  #following<T>(book: Book<T>, read: (object: JsonObject) => T | null): Following {
    return () => ({
      changed: (object) => this.#tell(book.note(object, read(object))),
      removed: (object) => this.#tell(book.note(object, null)),
      listed: () => {
        book.isListed = true;
        this.#tell(true);
      },
    });
  }

  #tell(isNews: boolean): void {
    if (!isNews) return;
    this.#offers = null;
    this.changed();
  }
}
