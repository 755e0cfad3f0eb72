#!/usr/bin/env node
/**
 * `npm run check`: everything that can be checked without running the product's tests. Each step says what it found;
 * all steps run even when one fails, so that one look shows everything.
 *   npm run check            all steps
 *   npm run check -- lint    only the named ones
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildProduct, ensureInstalled, ROOT, say } from './prepare.mjs';

const module = (...parts) => join(ROOT, 'node_modules', ...parts);
const tsx = module('tsx', 'dist', 'cli.mjs');

/** name, what it proves, arguments for node, and the command that mends a finding. */
const STEPS = [
  ['types', 'the types hold', [module('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json'], null],
  [
    'lint',
    'type-checked lint rules hold',
    [
      module('eslint', 'bin', 'eslint.js'),
      'src',
      'test',
      'scripts',
      '--cache',
      '--cache-location',
      '.data/eslintcache',
    ],
    'npx eslint --fix',
  ],
  [
    'format',
    'formatting is prettier’s',
    [module('prettier', 'bin', 'prettier.cjs'), '--check', '--log-level', 'warn', '.'],
    'npm run format',
  ],
  [
    'folders',
    'imports keep to the folder rules',
    [module('dependency-cruiser', 'bin', 'dependency-cruise.mjs'), 'src', '--config', '.dependency-cruiser.cjs'],
    null,
  ],
  [
    'migrations',
    'prisma/migrations gives prisma/schema.prisma',
    [tsx, 'scripts/check-migrations.ts'],
    'add a migration',
  ],
  ['openapi', 'openapi.json is what the code serves', [tsx, 'scripts/openapi.ts', '--check'], 'npm run openapi'],
  [
    'chart',
    'the chart’s webhooks and roles are those of the handled kinds',
    [tsx, 'scripts/chart-rules.ts', '--check'],
    'npx tsx scripts/chart-rules.ts',
  ],
  [
    'licences',
    'what is shipped asks for no more than to be named',
    [join(ROOT, 'scripts', 'supply-chain', 'licences.mjs')],
    null,
  ],
  [
    'audit',
    'no shipped package has a grave vulnerability that is known',
    [join(ROOT, 'scripts', 'supply-chain', 'audit.mjs')],
    null,
  ],
  ['docs', 'generated documents are up to date', [tsx, 'scripts/docs.ts', '--check'], 'npm run docs -- --all'],
];

const wanted = process.argv.slice(2);
const steps = STEPS.filter(([name]) => wanted.length === 0 || wanted.includes(name));
if (steps.length === 0) {
  console.error(`plimsoll: no such check; there are ${STEPS.map(([name]) => name).join(', ')}`);
  process.exit(2);
}
ensureInstalled();
buildProduct();
const failed = [];
for (const [name, proves, args, remedy] of steps) {
  say(`${name}: ${proves}`);
  const missing = !existsSync(args[0] === tsx ? join(ROOT, args[1]) : args[0]);
  const run = missing ? { status: 1 } : spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' });
  if (run.status === 0) continue;
  failed.push(name);
  say(`${name} FAILED${missing ? ': its script is missing' : ''}${remedy ? ` (to mend: ${remedy})` : ''}`);
}
console.log(failed.length === 0 ? `all ${steps.length} checks hold` : `checks failed: ${failed.join(', ')}`);
process.exit(failed.length === 0 ? 0 : 1);
