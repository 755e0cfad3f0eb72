import type { Returned } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import { EngineTensor, Storage } from '../autograd/graph.js';
import type { BlockRunner } from '../block-runner.js';
import { Expansion } from './expansion.js';
import type { LayerRun } from './layer-runs.js';
import { isInGap } from './layer-runs.js';
import { NotRepeated } from './not-repeated.js';
import type { Section } from './sections.js';
import { OUTSIDE } from './sections.js';

type Argument = EngineTensor | null;

/** A call of a layer before a gap: the layers behind must be called alike. */
interface GivenCall {
  args: readonly Argument[];
  result: Returned;
}

/** Leaves that have gradients of their own, of one layer. */
export type LeavesOf = (layer: number) => readonly EngineTensor[];

/**
 * Runs only the layers at both ends of each run of equal ones and writes down for those between what the layers beside them
 * did. To be asked for once an iteration, before the optimizer's step, which again sees the leaves of all layers.
 */
export class LayerRepetition {
  private sections: Section[] = [];
  private flight = 0;
  private firstEvent = 0;
  private firstBlock = 0;
  private given: GivenCall | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly runs: readonly LayerRun[],
    private readonly leavesOf: LeavesOf,
  ) {
    engine.enterLayer = (layer) => this.mark(layer, true);
  }

  beginIteration(): void {
    const { events, sizes } = this.engine.recorder;
    this.sections = [];
    this.firstEvent = events.length;
    this.firstBlock = sizes.length;
  }

  /** What follows is of a micro-batch, by its number within the iteration. */
  enterFlight(number: number): void {
    this.flight = number;
    this.mark(OUTSIDE, false);
  }

  /** Blocks as `inner` runs them, but for those that are left out, whose result is their argument. */
  around(inner: BlockRunner): BlockRunner {
    return (block, args, call) => {
      const run = this.runs.find(({ first, last }) => block.index >= first && block.index <= last);
      if (run === undefined) return inner(block, args, call);
      if (isInGap(run, block.index)) return this.passedOn(args);
      if (block.index === run.lastLeftOut + 1) this.passedOn(args);
      this.mark(block.index, false);
      const result = inner(block, args, call);
      if (block.index === run.firstLeftOut - 1) this.given = { args, result };
      if (block.index === run.last) this.mark(OUTSIDE, false);
      return result;
    };
  }

  /** The results of the layer before the gap, where all else is as it was for that layer. */
  private passedOn(args: readonly Argument[]): Returned {
    if (this.given === null || args.length !== this.given.args.length) throw new NotRepeated();
    const { args: before, result } = this.given;
    const results = result instanceof EngineTensor ? [result] : ((result ?? []) as readonly Argument[]);
    const isAlike = args.every((argument, i) => argument === before[i] || results.includes(argument));
    if (!isAlike || results.length === 0 || !results.every((one) => args.includes(one))) throw new NotRepeated();
    return result;
  }

  private mark(layer: number, isBackward: boolean): void {
    const { engine, sections, flight } = this;
    const start = engine.recorder.events.length;
    const last = sections[sections.length - 1];
    if (last !== undefined) last.end = start;
    sections.push({ flight, isBackward, layer, start, end: start, births: [] });
    if (!isBackward) engine.layer = layer;
  }

  /** Completes the events of the iteration and gives the leaves of the layers left out their gradients. */
  complete(): void {
    this.mark(OUTSIDE, false);
    const { engine, firstEvent, firstBlock, runs } = this;
    const sections = this.sections.filter(({ start, end }) => end > start);
    const iteration = { columns: engine.recorder, firstEvent, firstBlock, sections, runs };
    const expansion = new Expansion(iteration);
    for (const run of runs) this.giveGradients(expansion, run);
    expansion.write();
    engine.recorder.shiftPhases(expansion.insertions);
    this.given = null;
  }

  private giveGradients(expansion: Expansion<unknown>, run: LayerRun): void {
    const models = this.leavesOf(run.firstLeftOut - 1);
    for (let layer = run.firstLeftOut; layer <= run.lastLeftOut; layer++) {
      const leaves = this.leavesOf(layer);
      const copies = new StorageCopies((block) => expansion.copyOf(block, run, layer));
      models.forEach((model, i) => giveGradient(model, leaves[i]!, (storage) => copies.of(storage)));
      copies.requireWhole();
    }
  }
}

/** The storages of a layer's gradients, as another layer has them. */
class StorageCopies {
  private readonly copies = new Map<Storage, Storage>();

  /** `copyOf`: the number of the other layer's block; null where the block is of an earlier iteration. */
  constructor(private readonly copyOf: (block: number) => number | null) {}

  of(storage: Storage): Storage | null {
    const known = this.copies.get(storage);
    if (known !== undefined) known.refs++;
    return known ?? this.made(storage);
  }

  private made(storage: Storage): Storage | null {
    const block = storage.block < 0 ? storage.block : this.copyOf(storage.block);
    if (block === null) return null;
    const copy = new Storage(storage.bytes, block);
    this.copies.set(storage, copy);
    return copy;
  }

  /** Nothing but gradients holds the storages. */
  requireWhole(): void {
    for (const [storage, copy] of this.copies) if (storage.refs !== copy.refs) throw new NotRepeated();
  }
}

/** A gradient that the model's leaf got in this iteration is given to the leaf; one that it had before, both have. */
function giveGradient(model: EngineTensor, leaf: EngineTensor, copied: (storage: Storage) => Storage | null): void {
  const { gradient } = model;
  if (gradient === null) {
    if (leaf.gradient !== null) throw new NotRepeated();
    return;
  }
  const storage = copied(gradient.storage);
  if ((storage === null) !== (leaf.gradient !== null)) throw new NotRepeated();
  if (storage === null) return;
  const copy = new EngineTensor(gradient.shape, gradient.strides, gradient.dtype, storage);
  copy.isView = gradient.isView;
  copy.refs = 1;
  leaf.gradient = copy;
}
