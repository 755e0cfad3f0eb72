import type { Storage } from './graph.js';
import { operationName } from './operation-names.js';

/** Whether the result of an operation is kept: by its name, and how often it has been called in this pass (from 1). */
export type SavePolicy = (operation: string, call: number) => boolean;

/**
 * Results that a selectively checkpointed call keeps (torch.utils.checkpoint, create_selective_checkpoint_contexts):
 * forward stores them, recomputation takes each out of the store instead of computing it.
 */
export class KeptOutputs {
  private readonly kept: Storage[] = [];
  private next = 0;
  private replaying = false;
  private calls = new Map<number, number>();

  constructor(private readonly policy: SavePolicy) {}

  /** The call runs again: from now on what was kept is handed out. */
  replay(): void {
    this.replaying = true;
    this.calls = new Map();
  }

  /** The storage of a result: a new one, or the one kept of the first pass. */
  storage(operation: number, make: () => Storage): Storage {
    const call = (this.calls.get(operation) ?? 0) + 1;
    this.calls.set(operation, call);
    if (!this.policy(operationName(operation), call)) return make();
    const kept = this.replaying ? this.kept[this.next] : undefined;
    if (kept !== undefined) {
      this.next++;
      return kept;
    }
    const storage = make();
    if (this.replaying) return storage;
    storage.refs++;
    this.kept.push(storage);
    return storage;
  }

  /** What recomputation did not take, because it stopped early. */
  *left(): Iterable<Storage> {
    while (this.next < this.kept.length) yield this.kept[this.next++]!;
  }
}
