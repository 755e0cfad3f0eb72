import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { parseDeclaration } from '../../src/launch/declaration.js';

const place = { document: 'manifest', path: 'metadata.annotations["plimsoll.dev/run"]' };
const documents = readdirSync('docs').filter((file) => file.endsWith('.md'));
const textOf = (file: string): string => readFileSync(join('docs', file), 'utf8');

/** The YAML examples of a document. */
const examplesOf = (file: string): string[] =>
  [...textOf(file).matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, yaml = '']) => yaml);

/** What an example declares: the text of the annotation where it is shown in a manifest. */
function declarationOf(example: string): string {
  const { metadata } = parse(example) as { metadata?: { annotations: Record<string, string> } };
  return metadata?.annotations['plimsoll.dev/run'] ?? example;
}

describe('examples of plimsoll.dev/run in docs/reading.md', () => {
  const examples = examplesOf('reading.md').map(declarationOf);

  it('are there', () => expect(examples.length).toBeGreaterThanOrEqual(5));

  it.each(examples)('%j holds only fields and values that are known', (yaml) => {
    const { settings, notes } = parseDeclaration(yaml, place);
    expect(notes).toEqual([]);
    expect(settings.size).toBeGreaterThan(0);
  });
});

/** Files that the worked examples of docs/extending.md add. */
const ADDED: ReadonlySet<string> = new Set([
  'src/workload/kinds/batch-training.ts',
  'src/launch/programs/mintrain.ts',
  'src/model/families/lenet.ts',
  'src/inventory/my-exporter.ts',
]);

describe('documents', () => {
  it.each(documents)('%s names only files of the repository that are there', (file) => {
    const text = textOf(file);
    const paths = [...text.matchAll(/(?<![\w./-])((?:src|test|scripts|examples|catalog|charts)\/[\w./-]*[\w/])/g)];
    const links = [...text.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link = '']) =>
      join(dirname(`docs/${file}`), link),
    );
    const named = [...paths.map(([, path = '']) => path), ...links];
    expect(named.filter((path) => !ADDED.has(path) && !existsSync(path))).toEqual([]);
  });
});
