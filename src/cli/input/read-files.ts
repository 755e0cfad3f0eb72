import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CliError } from '../cli-error.js';

export interface InputFile {
  /** As given, or relative to the folder that was given. */
  name: string;
  text: string;
}

const LARGEST_FILE_BYTES = 10 * 2 ** 20;
const DEEPEST_FOLDER = 10;
const MOST_FILES = 10_000;
const STDIN = 0;

function readOne(path: string): InputFile {
  const { size } = statSync(path);
  if (size > LARGEST_FILE_BYTES)
    throw new CliError(`${path} has ${size} bytes`, `files may have ${LARGEST_FILE_BYTES} bytes; split it`);
  return { name: path, text: readFileSync(path, 'utf8') };
}

function walk(folder: string, wanted: (name: string) => boolean, depth: number): string[] {
  if (depth > DEEPEST_FOLDER) return [];
  const entries = readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name.startsWith('.') ? [] : walk(path, wanted, depth + 1);
    return entry.isFile() && wanted(entry.name) ? [path] : [];
  });
}

/** A path that can be read, or an error that names it. */
function statOf(path: string): { isDirectory(): boolean } {
  try {
    return statSync(path);
  } catch {
    throw new CliError(`${path} does not exist or cannot be read`, 'give a file, a folder or - for standard input');
  }
}

/** The files at a path: one file, all wanted files of a folder, or `-` for standard input. */
export function readFiles(path: string, wanted: (name: string) => boolean): InputFile[] {
  if (path === '-') return [{ name: 'standard input', text: readFileSync(STDIN, 'utf8') }];
  if (!statOf(path).isDirectory()) return [readOne(path)];
  const paths = walk(path, wanted, 0);
  if (paths.length > MOST_FILES)
    throw new CliError(`${path} holds ${paths.length} files`, `give at most ${MOST_FILES}`);
  return paths.map(readOne);
}
