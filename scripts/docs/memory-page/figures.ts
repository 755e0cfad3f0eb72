import type { Facts } from '../../../src/advisor/facts.js';
import type { Grammars } from '../../../src/launch/grammars.js';
import type { RunValues } from '../../../src/run/training-run.js';
import type { FamilyOfPage, Size } from './families.js';
import type { Card } from './predict.js';
import { declaredValues, expectedBytes, largestBatch } from './predict.js';
import { REMEDIES } from './remedies.js';

/** Memory over the batch at one size of the input; null where it cannot be estimated. */
export interface Curve {
  size: Size;
  bytes: readonly (number | null)[];
}

/** All that the page tells of a family. */
export interface FamilyFigures {
  family: FamilyOfPage;
  curves: readonly Curve[];
  /** By card: the largest batch at the native size, in fp32 and in mixed precision. */
  largest: readonly { card: Card; plain: number; mixed: number }[];
  /** The batch that the remedies start from, and what each leaves; in words why one has no figure. */
  start: { batch: number; bytes: number } | null;
  remedies: readonly { name: string; bytes: number | string }[];
  /** Why nothing is told. */
  reason: string | null;
}

/** Works out all figures of a family; the largest card's kernels are taken throughout. */
export function figuresOf(
  family: FamilyOfPage,
  cards: readonly Card[],
  { facts, grammars }: { facts: Facts; grammars: Grammars },
): FamilyFigures {
  const values = declaredValues(family.run, grammars);
  const { device } = cards[cards.length - 1]!;
  const bytesAt = (changed: RunValues): number | string => expectedBytes(changed, device, facts);
  const start = { ...values, microBatchSize: family.batches[Math.floor(family.batches.length / 2)]! };
  const bytes = bytesAt(start);
  if (typeof bytes === 'string') return { family, ...NOTHING, reason: bytes };
  return {
    family,
    curves: family.sizes.map((size): Curve => ({
      size,
      bytes: family.batches.map((batch) => numberOrNull(bytesAt(sized({ ...values, microBatchSize: batch }, size)))),
    })),
    largest: cards.map((card) => ({
      card,
      plain: largestBatch(values, card, facts),
      mixed: largestBatch({ ...values, precision: 'amp-fp16' }, card, facts),
    })),
    start: { batch: start.microBatchSize, bytes },
    remedies: REMEDIES.map((remedy) => {
      const { name } = remedy;
      const changed = remedy.change(start);
      return { name, bytes: changed === null ? 'means nothing here' : bytesAt(changed) };
    }),
    reason: null,
  };
}

const NOTHING = { curves: [], largest: [], start: null, remedies: [] } as const;

const numberOrNull = (bytes: number | string): number | null => (typeof bytes === 'number' ? bytes : null);

const sized = (values: RunValues, size: Size): RunValues =>
  typeof size === 'number' ? { ...values, sequenceLength: size } : { ...values, imageSize: [size[0], size[1]] };
