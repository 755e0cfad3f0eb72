/** What `npm start`, `npm test` and `npm run check` need before they can begin: dependencies, generated client, build. Plain Node. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

const started = Date.now();

/** One line on standard error, with the seconds since the start: standard output belongs to the answer. */
export function say(text) {
  console.error(`[${((Date.now() - started) / 1000).toFixed(1).padStart(5)} s] ${text}`);
}

function run(what, command, args, env = {}) {
  say(what);
  const result = spawnSync(command, args, {
    cwd: ROOT,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    env: { ...process.env, ...env },
  });
  if (result.status === 0) return;
  console.error(`${result.stdout ?? ''}${result.stderr ?? ''}${result.error ? result.error.message : ''}`);
  console.error(`plimsoll: ${command} ${args.join(' ')} failed (exit ${result.status ?? 'none'})`);
  process.exit(1);
}

const bin = (...parts) => join(ROOT, 'node_modules', ...parts);
const modified = (path) => (existsSync(path) ? statSync(path).mtimeMs : 0);

/** Newest change below a folder, in epoch milliseconds. */
function newest(folder) {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .reduce((latest, entry) => Math.max(latest, statSync(join(entry.parentPath ?? entry.path, entry.name)).mtimeMs), 0);
}

/** Installs the dependencies of the lock file where they are missing or older than it. */
export function ensureInstalled() {
  const lock = join(ROOT, 'package-lock.json');
  if (modified(bin('.package-lock.json')) >= modified(lock)) return;
  // npm is a script on Windows and a link elsewhere: its own path is given to everything that npm runs.
  const npm = process.env.npm_execpath;
  const [command, args] = npm ? [process.execPath, [npm]] : ['npm', []];
  run('installing dependencies (npm ci, about a minute)', command, [...args, 'ci', '--no-audit', '--no-fund']);
}

/** Generates the database client and compiles src/ to dist/ where dist/ is older. */
export function buildProduct() {
  const client = join(ROOT, 'src', 'store', 'generated');
  if (!existsSync(client) || modified(join(ROOT, 'prisma', 'schema.prisma')) > modified(client)) {
    // The client needs no engine binary with a driver adapter; pointing at one stops Prisma from downloading it.
    run('generating the database client', process.execPath, [bin('prisma', 'build', 'index.js'), 'generate'], {
      PRISMA_SCHEMA_ENGINE_BINARY: process.execPath,
    });
  }
  const built = join(ROOT, 'dist', 'build.tsbuildinfo');
  if (modified(built) > newest(join(ROOT, 'src')) && modified(built) > modified(join(ROOT, 'tsconfig.build.json')))
    return;
  run('compiling (about 15 s)', process.execPath, [bin('@nestjs', 'cli', 'bin', 'nest.js'), 'build']);
}
