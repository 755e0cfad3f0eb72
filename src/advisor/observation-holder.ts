import { Injectable } from '@nestjs/common';
import type { LearnedContext } from '../memory/estimate.js';
import type { ObservedUse, UsesByFingerprint } from '../observation/observed-use.js';
import { DAY_MS } from '../inventory/device-record.js';

/** What runs were seen to use, as answers need it. */
export interface ObservationSnapshot {
  uses: UsesByFingerprint;
  contexts: readonly LearnedContext[];
}

/** The same as JSON has it: maps as lists of their entries. */
export interface WrittenObservations {
  uses: readonly (readonly [string, readonly ObservedUse[]])[];
  contexts: readonly LearnedContext[];
}

export const writtenObservations = ({ uses, contexts }: ObservationSnapshot): WrittenObservations => ({
  uses: [...uses],
  contexts,
});

export const NO_OBSERVATIONS: ObservationSnapshot = { uses: new Map(), contexts: [] };

/** Growth that changes no answer: capacities are held against estimates in steps of this size as well. */
const STEP_BYTES = 16 * 1024 ** 2;

/**
 * What every reader of the process knows of earlier runs. Swapped whole, like the inventory. Each fingerprint has a
 * revision, so that an answer is only worked out anew where the runs that it rests on are others.
 */
@Injectable()
export class ObservationHolder {
  #snapshot = NO_OBSERVATIONS;
  #revisions = new Map<string, { text: string; revision: number }>();
  #contextsText = '[]';
  #contextsRevision = 0;
  #changes = 0;
  readonly #listeners = new Set<() => void>();

  current(): ObservationSnapshot {
    return this.#snapshot;
  }

  /** Another text whenever any answer may be another. */
  get epoch(): string {
    return String(this.#changes);
  }

  /** Another text whenever an answer may be another that rests on runs of these fingerprints. */
  revisionOf(fingerprints: readonly string[]): string {
    const revisions = fingerprints.map((fingerprint) => this.#revisions.get(fingerprint)?.revision ?? 0);
    return [this.#contextsRevision, ...revisions].join('.');
  }

  swap(snapshot: ObservationSnapshot): void {
    const before = this.#changes;
    this.#revisions = this.#revisionsOf(snapshot.uses);
    const contextsText = JSON.stringify(snapshot.contexts);
    if (contextsText !== this.#contextsText) {
      this.#changes += 1;
      this.#contextsRevision = this.#changes;
    }
    this.#contextsText = contextsText;
    this.#snapshot = snapshot;
    if (this.#changes !== before) for (const listener of this.#listeners) listener();
  }

  /** Calls `listener` whenever an answer may be another; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #revisionsOf(uses: UsesByFingerprint): Map<string, { text: string; revision: number }> {
    const next = new Map<string, { text: string; revision: number }>();
    for (const [fingerprint, ofOne] of uses) {
      const text = JSON.stringify(ofOne.map(decisivePart));
      const known = this.#revisions.get(fingerprint);
      if (known?.text !== text) this.#changes += 1;
      next.set(fingerprint, known?.text === text ? known : { text, revision: this.#changes });
    }
    const isForgotten = [...this.#revisions.keys()].some((fingerprint) => !next.has(fingerprint));
    if (isForgotten) this.#changes += 1;
    return next;
  }
}

/** Without what changes with every sample of a run that goes on. */
function decisivePart({ atMs, usedBytes, capacityBytes, besideBytes, ...rest }: ObservedUse): unknown {
  const steps = [usedBytes, capacityBytes, besideBytes].map((bytes) => Math.ceil(bytes / STEP_BYTES));
  return [rest, steps, Math.floor(atMs / DAY_MS)];
}
