import { Injectable } from '@nestjs/common';
import type { InventorySnapshot } from '../inventory/inventory.js';

export type SnapshotListener = (snapshot: InventorySnapshot) => void;

/** Before anything is known: taken at no time, nothing in it. */
const NOTHING: InventorySnapshot = { takenAtMs: 0, nodes: [], devices: [] };

/** The inventory that every reader in the process answers from. Swapped whole; readers keep what they took. */
@Injectable()
export class InventoryHolder {
  private snapshot = NOTHING;
  private readonly listeners = new Set<SnapshotListener>();

  /** The latest snapshot; empty, with `takenAtMs` 0, until the first one is in. */
  current(): InventorySnapshot {
    return this.snapshot;
  }

  /** Whether any snapshot is in yet. */
  isKnown(): boolean {
    return this.snapshot !== NOTHING;
  }

  swap(snapshot: InventorySnapshot): void {
    this.snapshot = snapshot;
    for (const listener of this.listeners) listener(snapshot);
  }

  /** Calls `listener` with every snapshot from now on; returns how to stop that. A listener must not throw. */
  onSwap(listener: SnapshotListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
