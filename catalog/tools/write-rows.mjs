import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const CATALOG = join(dirname(fileURLToPath(import.meta.url)), '..');

/** Writes a catalog file: the head, then one row a line, so that changes can be reviewed row by row. */
export function writeRows(file, head, key, rows) {
  const opening = Object.entries(head).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)},`);
  const lines = rows.map((row) => JSON.stringify(row));
  const text = ['{', ...opening, `${JSON.stringify(key)}:[`, lines.join(',\n'), ']', '}', ''].join('\n');
  writeFileSync(join(CATALOG, file), text);
  console.log(`catalog/${file}: ${rows.length} rows, ${text.length} bytes`);
}

/** The folder given on the command line, or an explanation of what is missing. */
export function sourceFolder() {
  const folder = process.argv[2];
  if (folder) return folder;
  console.error(`usage: node ${process.argv[1]} FOLDER   (the folder with the source files, see catalog/README.md)`);
  process.exit(1);
}

/** A copy without keys whose value is undefined or null. */
export function withoutAbsent(row) {
  return Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined && value !== null));
}
