import { Injectable } from '@nestjs/common';
import type { InventorySnapshot } from '../inventory/inventory.js';
import { inventoryDigest } from './inventory-digest.js';

export type SnapshotListener = (snapshot: InventorySnapshot) => void;

/** Before anything is known: taken at no time, nothing in it. */
const NOTHING: InventorySnapshot = { takenAtMs: 0, nodes: [], devices: [] };

/** The inventory that every reader in the process answers from. Swapped whole; readers keep what they took. */
@Injectable()
export class InventoryHolder {
  private snapshot = NOTHING;
  private lastDigest = '';
  private readonly listeners = new Set<SnapshotListener>();
  private readonly changeListeners = new Set<SnapshotListener>();

  /** The latest snapshot; empty, with `takenAtMs` 0, until the first one is in. */
  current(): InventorySnapshot {
    return this.snapshot;
  }

  /** Whether any snapshot is in yet. */
  isKnown(): boolean {
    return this.snapshot !== NOTHING;
  }

  /** Of all that verdicts rest on: equal where only use and ages changed. Empty until the first snapshot is in. */
  digest(): string {
    return this.lastDigest;
  }

  swap(snapshot: InventorySnapshot): void {
    const digest = inventoryDigest(snapshot);
    const isOther = digest !== this.lastDigest;
    this.snapshot = snapshot;
    this.lastDigest = digest;
    for (const listener of this.listeners) listener(snapshot);
    if (isOther) for (const listener of this.changeListeners) listener(snapshot);
  }

  /** Like `onSwap`, only for snapshots against which a verdict may be another one. */
  onChange(listener: SnapshotListener): () => void {
    this.changeListeners.add(listener);
    return () => this.changeListeners.delete(listener);
  }

  /** Calls `listener` with every snapshot from now on; returns how to stop that. A listener must not throw. */
  onSwap(listener: SnapshotListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}
