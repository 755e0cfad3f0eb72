import { readFileSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { anyJson, placesOf, replaced } from '../builders/hostile.js';
import { installedGrammars } from '../builders/launch.js';
import type { Grammars } from '../../src/launch/grammars.js';
import { readRuns } from '../../src/launch/read-runs.js';
import type { RunReading } from '../../src/launch/reading.js';
import { valuesOf } from '../../src/run/fields.js';
import { runValuesSchema } from '../../src/run/training-run.js';
import { readDocuments } from '../../src/workload/documents/documents.js';
import { readWorkload } from '../../src/workload/read-workload.js';
import type { JsonObject } from '../../src/workload/workload.js';
import { UnreadableManifest } from '../../src/workload/workload.js';

/** The manifests of our own are the corpus: one of every kind and program. */
const CORPUS = 'test/fixtures/manifests';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const manifests = readdirSync(CORPUS)
  .filter((file) => file.endsWith('.yaml'))
  .flatMap((file) => readDocuments(readFileSync(`${CORPUS}/${file}`, 'utf8'), file))
  .flatMap(({ manifest }) => (manifest === null ? [] : [manifest]));

/** The runs of a manifest; none where it is refused in words. */
function runsOf(manifest: JsonObject): readonly RunReading[] {
  try {
    const workload = readWorkload(manifest);
    return workload === null ? [] : readRuns(workload, { configMap: () => undefined }, grammars);
  } catch (error) {
    if (error instanceof UnreadableManifest) return [];
    throw error;
  }
}

/** Pieces of shell, Hydra, YAML and templates, in place of what stood there. */
const text = fc.oneof(
  fc.string({ maxLength: 60 }),
  fc.constantFrom(
    '--',
    '=',
    '--a=[',
    '$((1/0))',
    '${A:-${A}}',
    '{{ .x }}',
    '++a.b={c: [1',
    '1e999',
    '-1',
    '\u0000',
    "'",
    '`x`',
  ),
);

const SLOWEST_MS = 5_000;

describe('the runs of our own manifests', () => {
  it('hold the schema and end in time after any one change', () => {
    const mutable = manifests.map((manifest) => ({ manifest, places: placesOf(manifest) }));
    const change = fc.constantFrom(...mutable).chain(({ manifest, places }) =>
      fc.record({
        manifest: fc.constant(manifest),
        place: fc.constantFrom(...places),
        by: fc.oneof(text, anyJson.value),
      }),
    );
    fc.assert(
      fc.property(change, ({ manifest, place, by }) => {
        const changed = replaced(manifest, place, by);
        if (typeof changed !== 'object' || changed === null || Array.isArray(changed)) return;
        const started = performance.now();
        for (const { run } of runsOf(changed)) {
          if (run !== null) expect(runValuesSchema.safeParse(valuesOf(run)).error).toBeUndefined();
        }
        expect(performance.now() - started).toBeLessThan(SLOWEST_MS);
      }),
      { numRuns: 1500 },
    );
  });
});
