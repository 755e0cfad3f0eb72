import { readFileSync, readdirSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { installedGrammars } from '../builders/launch.js';
import type { Grammars } from '../../src/launch/grammars.js';
import { readRuns } from '../../src/launch/read-runs.js';
import type { RunReading } from '../../src/launch/reading.js';
import { valuesOf } from '../../src/run/fields.js';
import { runValuesSchema } from '../../src/run/training-run.js';
import { readDocuments } from '../../src/workload/documents/documents.js';
import { readWorkload } from '../../src/workload/read-workload.js';
import { UnreadableManifest } from '../../src/workload/workload.js';

/** Texts made to harm who reads them, each a file: what once was found to be slow or wrong is put beside them. */
const CORPUS = 'test/fixtures/hostile';
const SLOWEST_MS = 5_000;

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

interface Read {
  runs: readonly RunReading[];
  /** What could not be read, in words. */
  refused: readonly string[];
}

function read(text: string): Read {
  const runs: RunReading[] = [];
  const refused: string[] = [];
  for (const { manifest, errors } of readDocuments(text, 'hostile')) {
    refused.push(...errors);
    if (manifest === null) continue;
    try {
      const workload = readWorkload(manifest);
      if (workload !== null) runs.push(...readRuns(workload, { configMap: () => undefined }, grammars));
    } catch (error) {
      if (!(error instanceof UnreadableManifest)) throw error;
      refused.push(error.message);
    }
  }
  return { runs, refused };
}

function expectSound(text: string): Read {
  const startMs = performance.now();
  const found = read(text);
  expect(performance.now() - startMs).toBeLessThan(SLOWEST_MS);
  for (const { run } of found.runs) if (run) expect(runValuesSchema.safeParse(valuesOf(run)).error).toBeUndefined();
  return found;
}

const files = readdirSync(CORPUS);
const textOf = (file: string): string => readFileSync(`${CORPUS}/${file}`, 'utf8');

describe('the hostile corpus', () => {
  it.each(files)('%s is read or refused in time', (file) => {
    const { runs, refused } = expectSound(textOf(file));
    expect(runs.length + refused.length).toBeGreaterThan(0);
  });

  it('is read or refused in time after any cut and insertion', () => {
    const texts = files.map(textOf);
    const piece = fc.constantFrom('', "'", '"', '$(', '${', '}', ')', '[', '&a ', '*a', '\n', '{{', '=', '\\', '<<EOF');
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 30 }), piece, (text, seed, length, by) => {
        const at = seed % text.length;
        expectSound(text.slice(0, at) + by + text.slice(at + length));
      }),
      { numRuns: 200 },
    );
  });
});

describe('what ends', () => {
  it('a circle of variables: what is not defined yet stays as it is written, as Kubernetes leaves it', () => {
    const { runs } = expectSound(textOf('env-in-a-circle.yaml'));
    expect(runs[0]?.notes.join()).toContain('found "$(B)"');
  });

  it('a circle of shell variables, named as not known', () => {
    const { runs } = expectSound(textOf('shell-variables-in-a-circle.yaml'));
    expect(runs[0]?.unknown.map(({ field }) => field)).toContain('microBatchSize');
  });

  it('aliases that multiply or hold themselves, refused', () => {
    expect(expectSound(textOf('aliases-multiply.yaml')).refused.join()).toContain('aliases');
    expect(expectSound(textOf('alias-of-itself.yaml')).refused.length).toBeGreaterThan(0);
  });

  it('shells within shells, beyond some depth not read and said so', () => {
    const { runs } = expectSound(textOf('shells-in-shells.yaml'));
    const words = runs.flatMap(({ notes, unknown }) => [...notes, ...unknown.map(({ reason }) => reason)]).join();
    expect(runs[0]?.run?.model.value?.name ?? words).toMatch(/gpt2|nested|deep|not read|image/);
  });

  it('declared runs within declared runs, left out', () => {
    const { runs } = expectSound(textOf('declaration-of-runs.yaml'));
    const notes = runs.flatMap((one) => one.notes).join('\n');
    expect(notes).toContain('there is no field "runs.a.runs"');
    expect(notes).toMatch(/runs\.c\.sharing\.deviceShare is 1000000000/);
  });
});
