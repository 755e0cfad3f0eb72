import type { LayerRun } from './layer-runs.js';
import { AFTER_GAP, BEFORE_GAP, placeInRun } from './layer-runs.js';
import { NotRepeated } from './not-repeated.js';
import type { EventColumns, Section } from './sections.js';
import { Births } from './sections.js';

/** A free of a template: which of the blocks of which layer, counted from the layer itself, and of which pass. */
interface FreeOf {
  readonly isBackward: boolean;
  readonly layers: number;
  readonly place: number;
}

/** Over so many layers one may hold what another made. */
const MOST_LAYERS = 2;

/** The events of one layer in one pass, told without block numbers: the next allocation, or a free. */
type Template = readonly ('allocate' | FreeOf)[];

/** One run of layers in one micro-batch: the sections of the layers that were run, and the numbers of the copies' blocks. */
class Flight {
  readonly templates: { forward?: Template; backward?: Template } = {};
  private readonly sections = new Map<number, Section>();
  private firstCopy = 0;
  private perLayer = 0;
  private inForward = 0;

  constructor(
    readonly number: number,
    readonly run: LayerRun,
    sections: readonly Section[],
  ) {
    for (const section of sections) {
      const key = this.key(section.isBackward, section.layer);
      if (this.sections.has(key)) throw new NotRepeated();
      this.sections.set(key, section);
    }
  }

  private key(isBackward: boolean, layer: number): number {
    return 2 * layer + (isBackward ? 1 : 0);
  }

  section(isBackward: boolean, layer: number): Section | null {
    return this.sections.get(this.key(isBackward, layer)) ?? null;
  }

  /** The section that the copies follow: in forward before the gap, in backward behind it. */
  model(isBackward: boolean): Section | null {
    return this.section(isBackward, isBackward ? this.run.lastLeftOut + 1 : this.run.firstLeftOut - 1);
  }

  /** Its peer on the other side, before which the copies are put in. */
  peer(isBackward: boolean): Section | null {
    return this.section(isBackward, isBackward ? this.run.firstLeftOut - 1 : this.run.lastLeftOut + 1);
  }

  /** A pass reaches the layers on both sides of the gap, or neither. */
  requireBothSides(): void {
    for (const isBackward of [false, true]) {
      if ((this.model(isBackward) === null) !== (this.peer(isBackward) === null)) throw new NotRepeated();
    }
  }

  /** Gives numbers to the copies' blocks; returns the next free one. */
  numberCopies(from: number): number {
    this.firstCopy = from;
    this.inForward = this.model(false)?.births.length ?? 0;
    this.perLayer = this.inForward + (this.model(true)?.births.length ?? 0);
    return from + this.perLayer * (this.run.lastLeftOut - this.run.firstLeftOut + 1);
  }

  /** The number of a block by its place among those of a layer in a pass. */
  block(isBackward: boolean, layer: number, place: number): number {
    const { run } = this;
    if (layer < run.firstLeftOut || layer > run.lastLeftOut) {
      const births = this.section(isBackward, layer)?.births ?? [];
      if (births.length !== this.model(isBackward)?.births.length) throw new NotRepeated();
      return births[place]!;
    }
    return this.firstCopy + (layer - run.firstLeftOut) * this.perLayer + (isBackward ? this.inForward : 0) + place;
  }
}

/** What there is of an iteration: its events begin at `firstEvent`, its blocks at `firstBlock`. */
export interface Iteration<Category> {
  readonly columns: EventColumns<Category>;
  readonly firstEvent: number;
  readonly firstBlock: number;
  readonly sections: readonly Section[];
  readonly runs: readonly LayerRun[];
}

/**
 * Completes the events of an iteration in which the middle layers of each run were left out.
 *
 * Layers before the gap and behind it that do the same, event by event, show what each layer between does: blocks are told
 * by the layer that they were born in, counted from the layer that frees them, so that a copy frees its own blocks and its
 * neighbours'. Whatever does not fit that raises NotRepeated.
 */
export class Expansion<Category> {
  private readonly births: Births;
  /** Those of the iteration, as they were. */
  private readonly events: readonly number[];
  private readonly flights: readonly Flight[];
  /** Where events were put in, and how many. */
  readonly insertions: { at: number; events: number }[] = [];

  constructor(private readonly iteration: Iteration<Category>) {
    const { columns, sections, firstEvent, firstBlock, runs } = iteration;
    this.events = columns.events.slice(firstEvent);
    this.births = new Births(columns.events, sections, firstBlock, columns.sizes.length);
    const numbers = [...new Set(sections.map(({ flight }) => flight))];
    this.flights = runs.flatMap((run) =>
      numbers.map((flight) => {
        const own = sections.filter((one) => one.flight === flight && isIn(run, one.layer));
        return new Flight(flight, run, own);
      }),
    );
    this.flights.reduce((next, flight) => flight.numberCopies(next), columns.sizes.length);
  }

  /** What a layer left out has in the place of a block of the layer before the gap; null: the block was there before. */
  copyOf(block: number, run: LayerRun, layer: number): number | null {
    if (block < this.iteration.firstBlock) return null;
    const section = this.births.section(block);
    const flight = section && this.flightOf(section);
    if (flight?.run !== run || section?.layer !== run.firstLeftOut - 1) throw new NotRepeated();
    return flight.block(section.isBackward, layer, this.births.place(block));
  }

  /** Writes the whole iteration into the columns. */
  write(): void {
    const { columns, firstEvent, sections } = this.iteration;
    for (const flight of this.flights) {
      flight.requireBothSides();
      this.addBlocks(flight);
    }
    columns.events.length = firstEvent;
    for (const section of sections) {
      const flight = this.flightOf(section);
      if (flight === null) this.writeOutside(section);
      else this.writeLayer(section, flight);
    }
  }

  private flightOf({ flight, layer }: Section): Flight | null {
    for (const one of this.flights) if (one.number === flight && isIn(one.run, layer)) return one;
    return null;
  }

  private addBlocks(flight: Flight): void {
    const models = [false, true].flatMap((isBackward) => flight.model(isBackward)?.births ?? []);
    const { sizes, streams, categories, operations } = this.iteration.columns;
    for (let layer = flight.run.firstLeftOut; layer <= flight.run.lastLeftOut; layer++) {
      for (const block of models) {
        sizes.push(sizes[block]!);
        streams.push(streams[block]!);
        categories.push(categories[block]!);
        operations.push(operations[block]!);
      }
    }
  }

  // ---- layers

  private writeLayer(section: Section, flight: Flight): void {
    const { isBackward } = section;
    if (section === flight.peer(isBackward)) this.writeCopies(section, flight);
    const { columns, firstEvent } = this.iteration;
    for (let at = section.start; at < section.end; at++) {
      const event = this.events[at - firstEvent]!;
      columns.events.push(event >= 0 ? event : this.freeInLayer(-event - 1, section, flight));
    }
  }

  private writeCopies(peer: Section, flight: Flight): void {
    const { isBackward } = peer;
    const template = this.templateOf(flight, isBackward);
    this.compare(template, [flight.model(isBackward)!, peer], flight);
    const { run } = flight;
    const count = run.lastLeftOut - run.firstLeftOut + 1;
    this.insertions.push({ at: peer.start, events: template.length * count });
    for (let i = 0; i < count; i++) {
      this.writeCopy(template, flight, isBackward, isBackward ? run.lastLeftOut - i : run.firstLeftOut + i);
    }
  }

  private writeCopy(template: Template, flight: Flight, isBackward: boolean, layer: number): void {
    const { events } = this.iteration.columns;
    let next = 0;
    for (const entry of template) {
      if (entry === 'allocate') events.push(flight.block(isBackward, layer, next++));
      else events.push(-flight.block(entry.isBackward, layer + entry.layers, entry.place) - 1);
    }
  }

  private templateOf(flight: Flight, isBackward: boolean): Template {
    const side = isBackward ? 'backward' : 'forward';
    return (flight.templates[side] ??= this.readTemplate(flight, flight.model(isBackward)));
  }

  private readTemplate(flight: Flight, section: Section | null): Template {
    if (section === null) throw new NotRepeated();
    const { events, iteration } = this;
    const template: ('allocate' | FreeOf)[] = [];
    for (let at = section.start; at < section.end; at++) {
      const event = events[at - iteration.firstEvent]!;
      template.push(event >= 0 ? 'allocate' : this.freeOf(-event - 1, section, flight));
    }
    return template;
  }

  /** Copies may free what they or their neighbours bore in the same micro-batch: all else is freed once. */
  private freeOf(block: number, section: Section, flight: Flight): FreeOf {
    const birth = this.births.section(block);
    if (birth === null || this.flightOf(birth) !== flight) throw new NotRepeated();
    const layers = placeInRun(flight.run, birth.layer) - placeInRun(flight.run, section.layer);
    if (Math.abs(layers) > MOST_LAYERS) throw new NotRepeated();
    return { isBackward: birth.isBackward, layers, place: this.births.place(block) };
  }

  /** Both sides of the gap do the same. */
  private compare(template: Template, [model, peer]: readonly [Section, Section], flight: Flight): void {
    if (template.length !== peer.end - peer.start) throw new NotRepeated();
    const { events, iteration } = this;
    const { firstEvent, columns } = iteration;
    let next = 0;
    template.forEach((entry, i) => {
      const event = events[peer.start + i - firstEvent]!;
      const isSame =
        entry === 'allocate'
          ? event >= 0 && isSameBlock(columns, model.births[next++]!, event)
          : event < 0 && isSameFree(entry, this.freeOf(-event - 1, peer, flight));
      if (!isSame) throw new NotRepeated();
    });
  }

  /** A free by a layer that was run: what it takes from across the gap is its new neighbour's. */
  private freeInLayer(block: number, section: Section, flight: Flight): number {
    const birth = this.births.section(block);
    if (birth === null || this.flightOf(birth) !== flight) return -block - 1;
    const own = placeInRun(flight.run, section.layer);
    const layers = placeInRun(flight.run, birth.layer) - own;
    const isAcross = own <= BEFORE_GAP !== own + layers <= BEFORE_GAP;
    if (!isAcross || Math.abs(layers) > MOST_LAYERS) return -block - 1;
    const free = { isBackward: birth.isBackward, layers, place: this.births.place(block) };
    const template = this.templateOf(flight, section.isBackward);
    if (!template.some((one) => one !== 'allocate' && isSameFree(one, free))) throw new NotRepeated();
    return -flight.block(free.isBackward, section.layer + layers, free.place) - 1;
  }

  // ---- between and around layers

  /** What layers leave is freed one after another, in or against their order: the copies' share comes in its place. */
  private writeOutside(section: Section): void {
    const { columns, firstEvent } = this.iteration;
    let at = section.start;
    while (at < section.end) {
      const event = this.events[at - firstEvent]!;
      if (event >= 0) columns.events.push(event);
      else at = this.writeFrees(at, section.end) - 1;
      at++;
    }
  }

  private writeFrees(from: number, end: number): number {
    const { columns, firstEvent } = this.iteration;
    let to = from;
    while (to < end && this.events[to - firstEvent]! < 0) to++;
    const frees = this.events.slice(from - firstEvent, to - firstEvent);
    const sides = this.freesBesideGap(frees);
    for (const [i, event] of frees.entries()) {
      for (const { flight, near, far } of sides) {
        const isDescending = near[0]!.at > far[0]!.at;
        if (i === Math.max(near[0]!.at, far[0]!.at)) this.writeLeft(flight, near, from + i, isDescending);
      }
      columns.events.push(event);
    }
    return to;
  }

  /**
   * Frees that layers at the two sides of a gap left, by flight; NotRepeated where they are not alike. What only the far
   * side left is what the last layer of the run leaves of the one before it.
   */
  private freesBesideGap(frees: readonly number[]): readonly GapFrees[] {
    const found = new Map<Flight, GapFrees>();
    frees.forEach((event, at) => {
      const birth = this.births.section(-event - 1);
      const flight = birth && this.flightOf(birth);
      if (flight === null) return;
      const place = placeInRun(flight.run, birth!.layer);
      if (place !== BEFORE_GAP && place !== AFTER_GAP) return;
      const sides = found.get(flight) ?? { flight, near: [], far: [] };
      found.set(flight, sides);
      const entry = { at, isBackward: birth!.isBackward, place: this.births.place(-event - 1) };
      (place === BEFORE_GAP ? sides.near : sides.far).push(entry);
    });
    const all = [...found.values()];
    const shared = all.filter(({ near }) => near.length > 0);
    if (!shared.every(({ near, far }) => isSameAll(near, far))) throw new NotRepeated();
    return shared;
  }

  private writeLeft(flight: Flight, left: readonly LeftBlock[], at: number, isDescending: boolean): void {
    const { events } = this.iteration.columns;
    const { run } = flight;
    const count = run.lastLeftOut - run.firstLeftOut + 1;
    this.insertions.push({ at, events: count * left.length });
    for (let i = 0; i < count; i++) {
      const layer = isDescending ? run.lastLeftOut - i : run.firstLeftOut + i;
      for (const { isBackward, place } of left) events.push(-flight.block(isBackward, layer, place) - 1);
    }
  }
}

interface LeftBlock {
  readonly at: number;
  readonly isBackward: boolean;
  readonly place: number;
}

interface GapFrees {
  readonly flight: Flight;
  readonly near: LeftBlock[];
  readonly far: LeftBlock[];
}

const isIn = (run: LayerRun, layer: number): boolean => layer >= run.first && layer <= run.last;

const isSameAll = (near: readonly LeftBlock[], far: readonly LeftBlock[]): boolean =>
  near.length === far.length && near.every((one, i) => isSameLeft(one, far[i]!));

const isSameLeft = (one: LeftBlock, other: LeftBlock): boolean =>
  one.isBackward === other.isBackward && one.place === other.place;

const isSameFree = (one: FreeOf, other: FreeOf): boolean =>
  one.isBackward === other.isBackward && one.layers === other.layers && one.place === other.place;

function isSameBlock(
  { sizes, streams, categories, operations }: EventColumns<unknown>,
  one: number,
  other: number,
): boolean {
  return (
    sizes[one] === sizes[other] &&
    streams[one] === streams[other] &&
    categories[one] === categories[other] &&
    operations[one] === operations[other]
  );
}
