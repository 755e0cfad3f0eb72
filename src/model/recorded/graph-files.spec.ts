import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from '@jest/globals';
import { bufferNumber, isParameter, parameterNumber } from './graph-modules.js';
import type { RecordedGraph } from './recorded-graph.js';

const FOLDER = 'catalog/graphs';

const read = (path: string): RecordedGraph =>
  JSON.parse(gunzipSync(readFileSync(path)).toString('utf8')) as RecordedGraph;

/** The first step that takes what no step before it made, nor a module owns; null: none. */
function danglingStep({ inputs, modules, steps }: RecordedGraph): number | null {
  const parameters = modules.flatMap(([, own]) => own.filter(([, shape]) => Array.isArray(shape))).length;
  const buffers = modules.flatMap(([, , own]) => own).length;
  let made = inputs?.length ?? 1;
  const exists = (reference: number | null): boolean => {
    if (reference === null) return true;
    if (reference >= 0) return reference < made;
    return isParameter(reference) ? parameterNumber(reference) < parameters : bufferNumber(reference) < buffers;
  };
  for (const [place, [, references, results]] of steps.entries()) {
    if (!references.every(exists)) return place;
    made += results;
  }
  return null;
}

describe('recorded graphs', () => {
  const libraries = readdirSync(FOLDER);

  it.each(libraries)('of %s take only what was made before or what their modules own', (library) => {
    const dangling = readdirSync(`${FOLDER}/${library}`)
      .map((file) => [file, danglingStep(read(`${FOLDER}/${library}/${file}`))] as const)
      .filter(([, place]) => place !== null);
    expect(dangling).toEqual([]);
  });
});
