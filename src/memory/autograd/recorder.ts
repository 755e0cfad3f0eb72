import type { BreakdownCategory, Phase } from '../estimate.js';
import type { MemoryEvents } from '../events.js';
import type { EventColumns } from '../repetition/sections.js';
import { operationNames } from './operation-names.js';

/** What a block is, as far as its birth tells; gradients, states and the like are marked when they become so. */
const CATEGORY_AT_BIRTH: Record<Phase, BreakdownCategory> = {
  model: 'parameters',
  input: 'inputs',
  'zero-grad': 'temporaries',
  forward: 'activations',
  loss: 'activations',
  backward: 'temporaries',
  step: 'temporaries',
  generate: 'activations',
};

/** Writes down allocations and frees in order. */
export class EventRecorder implements EventColumns<BreakdownCategory> {
  readonly sizes: number[] = [];
  readonly streams: number[] = [];
  readonly categories: BreakdownCategory[] = [];
  readonly operations: number[] = [];
  readonly events: number[] = [];
  private readonly phases: { name: Phase; iteration: number; firstEvent: number }[] = [];
  private categoryAtBirth: BreakdownCategory = 'parameters';
  private inForward = false;
  private current: Phase = 'model';
  private iteration = 0;

  phase(name: Phase, iteration = this.iteration): void {
    this.current = name;
    this.iteration = iteration;
    this.categoryAtBirth = CATEGORY_AT_BIRTH[name];
    this.inForward = name === 'forward' || name === 'loss';
    this.phases.push({ name, iteration, firstEvent: this.events.length });
  }

  get currentPhase(): Phase {
    return this.current;
  }

  /** Blocks born from now on are of this category; returns what it was before. */
  bear(category: BreakdownCategory): BreakdownCategory {
    const before = this.categoryAtBirth;
    this.categoryAtBirth = category;
    return before;
  }

  /** Writes an allocation and returns the block's number; -1 for nothing at all, which PyTorch does not allocate. */
  allocate(bytes: number, operation: number, stream: number): number {
    if (bytes === 0) return -1;
    const block = this.sizes.length;
    this.sizes.push(bytes);
    this.operations.push(operation);
    this.streams.push(stream);
    this.categories.push(this.categoryAtBirth);
    this.events.push(block);
    return block;
  }

  free(block: number): void {
    if (block < 0) return;
    if (this.inForward && this.categories[block] === 'activations') this.categories[block] = 'temporaries';
    this.events.push(-(block + 1));
  }

  categorise(block: number, category: BreakdownCategory): void {
    if (block >= 0) this.categories[block] = category;
  }

  /** Events were put in before those that had been at some places: phases behind begin later. */
  shiftPhases(insertions: readonly { at: number; events: number }[]): void {
    for (const phase of this.phases) {
      const before = phase.firstEvent;
      for (const { at, events } of insertions) if (at < before) phase.firstEvent += events;
    }
  }

  finish(): MemoryEvents {
    return {
      sizes: this.sizes,
      streams: new Uint8Array(this.streams),
      categories: this.categories,
      operations: new Uint16Array(this.operations),
      operationNames: operationNames(),
      events: new Int32Array(this.events),
      phases: this.phases,
    };
  }
}
