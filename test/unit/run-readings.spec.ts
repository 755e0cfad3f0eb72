import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from '@jest/globals';
import { installedGrammars } from '../builders/launch.js';
import { manifestRuns } from '../builders/manifest-runs.js';
import type { ManifestRuns } from '../builders/manifest-runs.js';
import { summaryOf } from '../builders/run-summary.js';
import { RUN_TABLE_HEAD, runRows } from '../builders/run-table.js';
import type { Grammars } from '../../src/launch/grammars.js';
import { PROGRAMS } from '../../src/launch/programs/table.js';
import { WORKLOAD_KINDS } from '../../src/workload/kinds.js';

/**
 * The training run that is read of every manifest, as reviewed: the project's own, and those that others publish, which
 * are read where they lie beside the project. `UPDATE_READINGS=1` writes the readings anew, to be reviewed as a change.
 */
const OWN = 'test/fixtures/manifests';
const PUBLIC = '../shared/manifests/public';
const READINGS = 'test/readings/runs';
const TABLE = 'test/readings/public-manifests.md';
const isUpdate = process.env.UPDATE_READINGS === '1';

const yamlFiles = (folder: string): string[] =>
  existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith('.yaml')) : [];

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

function summarised(workloads: readonly ManifestRuns[]): string {
  const all = workloads.map(({ workload, runs }) => ({ kind: workload.reference.kind, runs: runs.map(summaryOf) }));
  return `${JSON.stringify(all, null, 2)}\n`;
}

function expectAsReviewed(folder: string, name: string, text: string): void {
  const path = `${READINGS}/${folder}/${name.replace(/\.yaml$/, '.json')}`;
  if (isUpdate) {
    mkdirSync(`${READINGS}/${folder}`, { recursive: true });
    writeFileSync(path, text);
  }
  expect(JSON.parse(text)).toEqual(JSON.parse(readFileSync(path, 'utf8')));
}

describe('the training run of a manifest of our own', () => {
  it.each(yamlFiles(OWN))('%s is read as reviewed', (file) => {
    expectAsReviewed('own', file, summarised(manifestRuns(`${OWN}/${file}`, grammars)));
  });

  it('is there for every program that has a name of its own', () => {
    const read = yamlFiles(OWN).flatMap((file) => manifestRuns(`${OWN}/${file}`, grammars));
    const programs = new Set(read.flatMap(({ runs }) => runs.map(({ run }) => run?.program.value?.id)));
    const guessed = new Set(['generic', 'image-environment']);
    expect(PROGRAMS.map(({ id }) => id).filter((id) => !programs.has(id) && !guessed.has(id))).toEqual([]);
  });

  it('is there for every kind of workload', () => {
    const kinds = new Set(
      yamlFiles(OWN).flatMap((file) =>
        manifestRuns(`${OWN}/${file}`, grammars).map((read) => read.workload.reference.kind),
      ),
    );
    const wanted = WORKLOAD_KINDS.map(({ kind }) => kind);
    expect(wanted.filter((kind) => !kinds.has(kind))).toEqual([]);
  });
});

const published = yamlFiles(PUBLIC);
if (published.length === 0) process.stderr.write(`SKIPPED: runs of public manifests, because ${PUBLIC} is not there\n`);
const whereGiven = published.length === 0 ? describe.skip : describe;

whereGiven('the training run of a published manifest', () => {
  it.each(published)('%s is read as reviewed', (file) => {
    expectAsReviewed('public', file, summarised(manifestRuns(`${PUBLIC}/${file}`, grammars)));
  });

  it('stands in the table of all of them', () => {
    const rows = published.flatMap((file) => runRows(file, manifestRuns(`${PUBLIC}/${file}`, grammars)));
    const head = readFileSync(TABLE, 'utf8').split('\n| manifest ')[0] ?? '';
    const text = `${head}\n${[...RUN_TABLE_HEAD, ...rows].join('\n')}\n`;
    if (isUpdate) writeFileSync(TABLE, text);
    expect(readFileSync(TABLE, 'utf8')).toBe(text);
  });
});

describe('a folder of manifests', () => {
  it.each([
    ['axolotl', { model: 'Qwen/Qwen2.5-1.5B', batch: 4, length: 1024 }],
    ['torchtitan', { model: 'meta-llama/Llama-3.1-8B', batch: 1, length: 8192 }],
  ])('has the configuration that %s is told to read', (folder, expected) => {
    const [read] = manifestRuns(`test/fixtures/folders/${folder}`, grammars);
    const run = read?.runs[0]?.run;
    expect({
      model: run?.model.value?.name,
      batch: run?.microBatchSize.value,
      length: run?.sequenceLength.value,
    }).toEqual(expected);
    const evidence = run?.microBatchSize.evidence;
    expect(evidence?.kind === 'read' ? evidence.place.document : evidence).toMatch(/^file\//);
  });
});
