import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A file that exercises something, by its path in the repository. */
export interface Exercise {
  path: string;
  text: string;
}

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TEST_FOLDERS = ['src', 'test', 'examples/manifests', 'examples/cluster'];
const EXERCISES =
  /\.spec\.ts$|\.e2e-spec\.ts$|golden\/.*\.json$|readings\/runs\/own\/.*\.json$|fixtures\/manifests\/.*\.yaml$|examples\/.*\.(yaml|prom|json)$|-facts\.ts$/;
const LEFT_OUT = new Set(['node_modules', 'generated', 'control-plane']);

/** Specs, recorded runs that specs are held against, and examples, in order of their paths. */
export function exercises(): readonly Exercise[] {
  return TEST_FOLDERS.flatMap((folder) => filesIn(folder))
    .filter((path) => EXERCISES.test(path))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

function filesIn(folder: string): string[] {
  const entries = readdirSync(join(ROOT, folder), { withFileTypes: true }).toSorted((a, b) =>
    a.name < b.name ? -1 : 1,
  );
  return entries.flatMap((entry) => {
    if (LEFT_OUT.has(entry.name)) return [];
    const path = `${folder}/${entry.name}`;
    return entry.isDirectory() ? filesIn(path) : [path];
  });
}

export const NO_TEST = '**no test**';

/** The first file of these folders, in their order, in which a pattern stands, as a cell of a table. */
export function exercisedIn(all: readonly Exercise[], pattern: RegExp, folders: readonly string[]): string {
  for (const folder of folders) {
    const found = all.find(({ path, text }) => path.startsWith(folder) && pattern.test(text));
    if (found !== undefined) return `\`${found.path}\``;
  }
  return NO_TEST;
}

/** A text as a pattern that matches just it. */
export const literally = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
