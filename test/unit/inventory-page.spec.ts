import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

/** The page on the inventory names, for each trap of exporters and labels, the test that shows it. */
const PAGE = readFileSync('docs/inventory.md', 'utf8');
const ROW = /^\| (?<trap>.+?) +\| (?<title>.+?) +\| `(?<file>(?:src|test)\/[^`]+\.spec\.ts)` +\|$/gm;

const rows = [...PAGE.matchAll(ROW)].map(({ groups }) => ({
  trap: groups?.['trap'] ?? '',
  title: groups?.['title'] ?? '',
  file: groups?.['file'] ?? '',
}));

describe('the traps that the page on the inventory names', () => {
  it('are many', () => {
    expect(rows.length).toBeGreaterThanOrEqual(25);
  });

  it.each(rows)('$trap: there is a test of that name', ({ title, file }) => {
    expect(readFileSync(file, 'utf8')).toContain(`'${title}'`);
  });
});
