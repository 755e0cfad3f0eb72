import type { DeviceOffers } from './inventory.js';
import { gatherPools, readAllocatedDevices, readDeviceClass, readResourceSlice } from './resource-slice.js';
import type { DeviceClaimClass, ResourceSlice } from './resource-slice.js';

/** Collects the objects of resource.k8s.io that say what drivers hand out, and what of it is taken. */
export class ClaimObjects {
  private readonly slices: ResourceSlice[] = [];
  private readonly classes: DeviceClaimClass[] = [];
  private readonly allocated: string[] = [];

  /** Objects of other kinds, and those that cannot be read, are left out. */
  add(kind: string, object: unknown): void {
    if (kind === 'ResourceClaim') this.allocated.push(...readAllocatedDevices(object));
    const slice = kind === 'ResourceSlice' ? readResourceSlice(object) : null;
    if (slice !== null) this.slices.push(slice);
    const deviceClass = kind === 'DeviceClass' ? readDeviceClass(object) : null;
    if (deviceClass !== null) this.classes.push(deviceClass);
  }

  /** null: there were no slices and no classes, so that nothing is known. */
  offers(): DeviceOffers | null {
    if (this.slices.length === 0 && this.classes.length === 0) return null;
    return { pools: gatherPools(this.slices), classes: this.classes, allocated: this.allocated };
  }
}
