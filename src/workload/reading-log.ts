import { describeUnresolved } from './unresolved.js';
import type { JsonObject, ObjectsAlongside, Unresolved } from './workload.js';

const MAX_NOTES = 100;
const MAX_UNRESOLVED = 200;
/** Containers of one object: no real one has a tenth of this, and each costs some tens of microseconds to read. */
const MAX_CONTAINERS = 2000;

const NOTHING_ALONGSIDE: ObjectsAlongside = { object: () => undefined };

/** Collects, while one manifest is read, what people are told about it. Bounded, without duplicates. */
export class ReadingLog {
  private readonly said = new Set<string>();
  private readonly byPlace = new Map<string, Unresolved>();

  private containers = 0;

  constructor(private readonly objects: ObjectsAlongside = NOTHING_ALONGSIDE) {}

  note(text: string): void {
    if (this.said.size < MAX_NOTES) this.said.add(text.length > 500 ? `${text.slice(0, 500)}…` : text);
  }

  unresolve(unresolved: Unresolved): void {
    if (this.byPlace.size < MAX_UNRESOLVED) this.byPlace.set(`${unresolved.path} ${unresolved.text}`, unresolved);
  }

  /** Whether so many containers more may be read. */
  allowContainers(count: number): boolean {
    this.containers += count;
    return this.containers <= MAX_CONTAINERS;
  }

  /** An object given beside the manifest, or undefined. */
  object(kind: string, name: string): JsonObject | undefined {
    return this.objects.object(kind, name);
  }

  get notes(): string[] {
    return [...describeUnresolved(this.unresolved), ...this.said];
  }

  get unresolved(): Unresolved[] {
    return [...this.byPlace.values()];
  }
}
