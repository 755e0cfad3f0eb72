import type { Engine } from './engine.js';
import type { EngineTensor, SavingHook, Storage } from './graph.js';
import { operation } from './operation-names.js';

const TO_DEVICE = operation('_to_copy');

/**
 * Saved tensors wait in host memory (torch.autograd.graph.save_on_cpu, which FSDP's `offload_wrapper` and the trainers'
 * activation offloading use): each is copied out as it is saved, weights too, and comes back as memory of its own,
 * contiguous, when backward asks for it. What the device holds of it dies with its last name in forward, or, where copies
 * run on a stream of their own, once a few more have been saved.
 */
export class HostOffload implements SavingHook {
  /** By slot; null once nobody needs it. */
  private parked: (EngineTensor | null)[] = [];
  private readonly returned = new Map<number, EngineTensor>();
  /** Storages whose copies may still be under way, oldest first. */
  private readonly underWay: Storage[] = [];

  /** `stash`: how many saved tensors stay on the device behind the newest one. */
  constructor(
    private readonly engine: Engine,
    private readonly stash: number,
  ) {}

  pack(tensor: EngineTensor): number {
    this.parked.push(tensor);
    this.remember(tensor.storage);
    return this.parked.length - 1;
  }

  private remember(storage: Storage): void {
    if (this.stash === 0) return;
    storage.refs++;
    this.underWay.push(storage);
    if (this.underWay.length > this.stash) this.engine.releaseStorage(this.underWay.shift()!);
  }

  /** Backward has begun: whatever was still being copied is let go. */
  unpack(slot: number): EngineTensor {
    for (const storage of this.underWay.splice(0)) this.engine.releaseStorage(storage);
    const back = this.returned.get(slot) ?? this.copyBack(this.parked[slot]!);
    this.returned.set(slot, back);
    return back;
  }

  private copyBack({ shape, dtype }: EngineTensor): EngineTensor {
    return this.engine.hold(this.engine.empty(shape, dtype, TO_DEVICE));
  }

  release(slot: number): void {
    const back = this.returned.get(slot);
    if (back === undefined) return;
    this.returned.delete(slot);
    this.engine.release(back);
  }

  forget(slot: number): void {
    this.release(slot);
    this.parked[slot] = null;
  }
}
