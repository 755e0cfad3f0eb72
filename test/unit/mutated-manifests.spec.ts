import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readDocuments } from '../../src/workload/documents/documents.js';
import { anyJson, placesOf, readOrRefuse, replaced } from '../builders/hostile.js';

/** Manifests of other projects, which are read where they lie beside this one and never copied. */
const PUBLIC = '../shared/manifests/public';

const files = existsSync(PUBLIC) ? readdirSync(PUBLIC).filter((file) => file.endsWith('.yaml')) : [];
if (files.length === 0) {
  process.stderr.write(`SKIPPED: mutations of public manifests, because ${PUBLIC} is not there\n`);
}
const whereGiven = files.length === 0 ? describe.skip : describe;

whereGiven('the manifests that others publish', () => {
  const manifests = files.flatMap((file) =>
    readDocuments(readFileSync(`${PUBLIC}/${file}`, 'utf8'), file).flatMap(({ name, manifest }) =>
      manifest === null ? [] : [{ name, manifest }],
    ),
  );

  it.each(manifests.map(({ name }) => name))('%s is read', (wanted) => {
    const { manifest } = manifests.find(({ name }) => name === wanted)!;
    const workload = readOrRefuse(manifest);
    const isTraining = manifest.kind !== 'Service';
    expect(workload !== null && 'podSets' in workload).toBe(isTraining);
  });

  it('are read or refused after any one change', () => {
    const mutable = manifests.map(({ manifest }) => ({ manifest, places: placesOf(manifest) }));
    const change = fc
      .constantFrom(...mutable)
      .chain(({ manifest, places }) =>
        fc.record({ manifest: fc.constant(manifest), place: fc.constantFrom(...places), by: anyJson.value }),
      );
    fc.assert(
      fc.property(change, ({ manifest, place, by }) => {
        const changed = replaced(manifest, place, by);
        if (typeof changed !== 'object' || changed === null || Array.isArray(changed)) return;
        expect(readOrRefuse(changed)).not.toBeUndefined();
      }),
      { numRuns: 3000 },
    );
  });

  it('are read or refused as text after any one cut or insertion', () => {
    const texts = files.map((file) => readFileSync(`${PUBLIC}/${file}`, 'utf8'));
    const piece = fc.constantFrom('', '\t', '{', ']', ': ', '- ', '&a ', '*a', '{{ x }}', '"', '|', '\n---\n');
    fc.assert(
      fc.property(fc.constantFrom(...texts), fc.nat(), fc.nat({ max: 40 }), piece, (text, seed, length, by) => {
        const at = seed % text.length;
        const changed = text.slice(0, at) + by + text.slice(at + length);
        for (const { manifest } of readDocuments(changed, 'x')) {
          if (manifest !== null) expect(readOrRefuse(manifest)).not.toBeUndefined();
        }
      }),
      { numRuns: 300 },
    );
  });
});
