import { LRUCache } from 'lru-cache';
import type { Assessment } from '../fit/assessment.js';

/** What an answer rests on beside its question. */
export interface Ground {
  /** Of the earlier runs. */
  revision: string;
  /** When the snapshot was taken: another one of the same devices may have other room just now. */
  takenAtMs: number;
}

/** lru-cache holds no null. */
interface Remembered extends Ground {
  assessment: Assessment | null;
}

/**
 * Answers by the key of their question. Verdict and advice are the same against every snapshot in which only use and ages
 * changed; what has room just now (`podsNow`, `occupants`) is not.
 */
export class RememberedAnswers {
  readonly #kept: LRUCache<string, Remembered>;

  constructor(mostCharacters: number) {
    this.#kept = new LRUCache({
      maxSize: mostCharacters,
      sizeCalculation: ({ assessment }) => JSON.stringify(assessment).length,
    });
  }

  keep(key: string, assessment: Assessment | null, ground: Ground): void {
    this.#kept.set(key, { assessment, ...ground });
  }

  /**
   * undefined where nothing is remembered that still holds. `ofNow`: the time of the snapshot that the answer must be of,
   * for those who ask what has room just now; null: of any.
   */
  recall(
    key: string,
    revisionOf: (assessment: Assessment | null) => string,
    ofNow: number | null,
  ): Assessment | null | undefined {
    const known = this.#kept.get(key);
    if (known === undefined || known.revision !== revisionOf(known.assessment)) return undefined;
    return ofNow === null || known.takenAtMs === ofNow ? known.assessment : undefined;
  }
}
