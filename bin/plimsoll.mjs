#!/usr/bin/env node
import { existsSync, readdirSync, statSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'dist', 'cli', 'main.js');

/** Time of the newest source; 0 in an installed package, which has none. */
function newestSource(folder) {
  if (!existsSync(folder)) return 0;
  let newest = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) newest = Math.max(newest, newestSource(path));
    else if (entry.name.endsWith('.ts') && !entry.name.endsWith('.spec.ts'))
      newest = Math.max(newest, statSync(path).mtimeMs);
  }
  return newest;
}

/** Compiles the checkout where nothing is built yet. Type errors do not keep it from running what was written. */
function build() {
  process.stderr.write('plimsoll: this checkout is not built yet; building it (some 20 seconds, once) ...\n');
  const compiler = createRequire(import.meta.url).resolve('typescript/bin/tsc');
  const result = spawnSync(process.execPath, [compiler, '-p', join(root, 'tsconfig.build.json')], {
    stdio: ['ignore', 2, 2],
  });
  if (!existsSync(built)) {
    process.stderr.write('plimsoll: the build failed; see the messages above\n');
    process.exit(1);
  }
  return result.status;
}

/** When the checkout was last built: tsc writes this file each time, the program's own only where it changed. */
function builtAt() {
  const record = join(root, 'dist', 'build.tsbuildinfo');
  return statSync(existsSync(record) ? record : built).mtimeMs;
}

if (!existsSync(built)) build();
else if (newestSource(join(root, 'src')) > builtAt())
  process.stderr.write('plimsoll: sources are newer than the build; npm run build takes them in\n');

const { main } = await import(pathToFileURL(built).href);
await main(process.argv);
