import type { Unknown } from '../run/setting.js';

/** Thrown where a run cannot be estimated: which fields are missing or not understood, and what would settle each. */
export class NotEstimable extends Error {
  constructor(readonly unknown: readonly Unknown[]) {
    super(unknown.map(({ field, reason }) => `${field}: ${reason}`).join('; '));
    this.name = 'NotEstimable';
  }
}
