import { Injectable } from '@nestjs/common';
import type { Json, JsonObject } from '../workload/workload.js';
import { identityOf } from './object-metadata.js';

/** Owners above owners that are followed: a Workflow that makes a TrainJob that makes a JobSet that makes Jobs. */
const MOST_OWNERS = 8;

/** The workloads that are there, by uid: to find the one that a pod was made for. */
@Injectable()
export class WorkloadDirectory {
  readonly #objects = new Map<string, JsonObject>();

  note(object: JsonObject, isThere: boolean): void {
    const { uid } = identityOf(object);
    if (isThere) this.#objects.set(uid, object);
    else this.#objects.delete(uid);
  }

  /** The topmost workload above (and with) this uid; null where none is known. */
  topmost(uid: string): JsonObject | null {
    let found: JsonObject | null = null;
    let next: string | null = uid;
    for (let step = 0; step < MOST_OWNERS && next !== null; step += 1) {
      const object: JsonObject | undefined = this.#objects.get(next);
      if (object === undefined) return found;
      found = object;
      next = controllerOf(object);
    }
    return found;
  }
}

function controllerOf(object: JsonObject): string | null {
  const { ownerReferences } = objectIn(object['metadata']);
  const references = Array.isArray(ownerReferences) ? ownerReferences.map(objectIn) : [];
  const owner = references.find(({ controller }) => controller === true);
  return typeof owner?.['uid'] === 'string' ? owner['uid'] : null;
}

function objectIn(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
