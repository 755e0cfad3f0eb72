import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { loadManifests, readManifests } from '../../src/cli/input/manifests.js';
import type { ManifestSet } from '../../src/cli/input/manifests.js';
import { ADVICE_KINDS } from '../../src/fit/advice/kinds.js';
import type { Grammars } from '../../src/launch/grammars.js';
import { keptAdvice, keptPromises } from '../builders/advice-promises.js';
import type { Kept } from '../builders/advice-promises.js';
import { GENERATED_PROGRAMS, generatedManifest } from '../builders/generated-manifests.js';
import { installedGrammars } from '../builders/launch.js';
import { describeWithShared, sharedPath } from './shared-data.js';

/** A proposal is a promise: the manifest that it is written into is read as that very run, and has that very verdict. */
const OWN = ['test/fixtures/manifests', 'examples/manifests'];
const RUNS = Number(process.env['PLIMSOLL_RUNS'] ?? 4);

const manifestsIn = (folder: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder)
        .filter((name) => name.endsWith('.yaml'))
        .map((name) => join(folder, name))
    : [];

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
}, 60_000);

const kindsWritten = new Set<string>();

/** What was promised and is not so, with the changed text. */
function brokenIn(set: ManifestSet, kept: (set: ManifestSet, grammars: Grammars) => Kept[] = keptPromises): string[] {
  const all = kept(set, grammars);
  for (const { kind } of all) kindsWritten.add(kind);
  return all
    .filter(({ broken }) => broken.length > 0)
    .map(
      ({ kind, changes, broken, text }) =>
        `${kind} (${changes.map(({ write }) => write).join(', ')}): ${broken.join('; ')}\n${text}`,
    );
}

describe('a proposal that is written into a manifest', () => {
  it.each(OWN.flatMap(manifestsIn))('%s: is read as promised, of every kind and size', (file) => {
    expect(brokenIn(loadManifests([file]))).toEqual([]);
  });

  it.each(Object.keys(GENERATED_PROGRAMS))(
    'any manifest of %s: is read as promised, of every kind and size',
    (program) => {
      fc.assert(
        fc.property(generatedManifest(program), ({ text }) => {
          const set = readManifests([{ name: 'job.yaml', text }]);
          expect(set.problems).toEqual([]);
          expect(brokenIn(set)).toEqual([]);
          expect(brokenIn(set, keptAdvice)).toEqual([]);
        }),
        { numRuns: RUNS },
      );
    },
    120_000,
  );

  it('is of every kind that there is, in these manifests', () => {
    expect([...kindsWritten]).toEqual(expect.arrayContaining(ADVICE_KINDS.map(({ name }) => name)));
  });
});

describeWithShared('manifests/public', 'a proposal for a manifest that others published', () => {
  it.each(manifestsIn(sharedPath('manifests', 'public')))('%s: is read as promised', (file) => {
    expect(brokenIn(loadManifests([file]))).toEqual([]);
  });
});
