import { describeUnresolved } from './unresolved.js';
import type { JsonObject, ObjectsAlongside, Unresolved } from './workload.js';

const MAX_NOTES = 100;
const MAX_UNRESOLVED = 200;

const NOTHING_ALONGSIDE: ObjectsAlongside = { object: () => undefined };

/** Collects, while one manifest is read, what people are told about it. Bounded, without duplicates. */
export class ReadingLog {
  private readonly said = new Set<string>();
  private readonly unresolvedByPath = new Map<string, Unresolved>();

  constructor(private readonly objects: ObjectsAlongside = NOTHING_ALONGSIDE) {}

  note(text: string): void {
    if (this.said.size < MAX_NOTES) this.said.add(text.length > 500 ? `${text.slice(0, 500)}…` : text);
  }

  unresolve(unresolved: Unresolved): void {
    if (this.unresolvedByPath.size >= MAX_UNRESOLVED || this.unresolvedByPath.has(unresolved.path)) return;
    this.unresolvedByPath.set(unresolved.path, unresolved);
  }

  /** An object given beside the manifest, or undefined. */
  object(kind: string, name: string): JsonObject | undefined {
    return this.objects.object(kind, name);
  }

  get notes(): string[] {
    return [...describeUnresolved(this.unresolved), ...this.said];
  }

  get unresolved(): Unresolved[] {
    return [...this.unresolvedByPath.values()];
  }
}
