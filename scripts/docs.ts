/**
 * Writes the documents that are generated from the code.
 *   npm run docs              writes those that are made at once
 *   npm run docs -- --all     writes the page of GPU memory, too, which takes a while
 *   npm run docs -- --check   says which of all differ from what is in the repository; exit status 1 where one does
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runJsonSchema } from '../src/launch/declaration.js';
import { renderConfiguration } from './docs/configuration.js';
import { renderCoverage } from './docs/coverage.js';
import { memoryPage } from './docs/memory-page/page.js';

const DOCUMENTS: readonly { path: string; render: () => string }[] = [
  { path: 'docs/configuration.md', render: renderConfiguration },
  { path: 'docs/coverage.md', render: renderCoverage },
  { path: 'docs/plimsoll-run.schema.json', render: () => `${JSON.stringify(runJsonSchema(), null, 2)}\n` },
];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const check = process.argv.includes('--check');

const all = new Map(DOCUMENTS.map(({ path, render }) => [path, render()]));
if (check || process.argv.includes('--all')) for (const [path, text] of await memoryPage()) all.set(path, text);

const stale = [...all].filter(([path, text]) => {
  const file = join(root, path);
  return !existsSync(file) || readFileSync(file, 'utf8') !== text;
});
for (const [path, text] of check ? [] : stale) {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}
stale.forEach(([path]) => console.log(check ? `${path} is not up to date` : `${path} written`));
process.exitCode = check && stale.length > 0 ? 1 : 0;
