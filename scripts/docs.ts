/**
 * Writes the documents that are generated from the code.
 *   npm run docs              writes them
 *   npm run docs -- --check   says which differ from what is in the repository; exit status 1 where one does
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runJsonSchema } from '../src/launch/declaration.js';
import { renderConfiguration } from './docs/configuration.js';
import { renderCoverage } from './docs/coverage.js';

const DOCUMENTS: readonly { path: string; render: () => string }[] = [
  { path: 'docs/configuration.md', render: renderConfiguration },
  { path: 'docs/coverage.md', render: renderCoverage },
  { path: 'docs/plimsoll-run.schema.json', render: () => `${JSON.stringify(runJsonSchema(), null, 2)}\n` },
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const check = process.argv.includes('--check');

const stale = DOCUMENTS.filter(({ path, render }) => {
  const file = join(root, path);
  return !existsSync(file) || readFileSync(file, 'utf8') !== render();
});
if (!check) stale.forEach(({ path, render }) => writeFileSync(join(root, path), render()));
stale.forEach(({ path }) => console.log(check ? `${path} is not up to date` : `${path} written`));
process.exitCode = check && stale.length > 0 ? 1 : 0;
