import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Benchmark, Finding } from './benchmark.js';
import { finding } from './benchmark.js';
import { inTurn } from './measure.js';

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));

function node(...args: string[]): void {
  const { status, stderr } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  if (status !== 0) throw new Error(`node ${args.join(' ')}: ${stderr.toString().slice(0, 500)}`);
}

/** Time to the first word of the command line, against Node itself. */
export const commandLine: Benchmark = {
  name: 'command-line',
  about: 'start of the command line, against the start of Node',
  run(): readonly Finding[] {
    if (!existsSync(path('dist/cli/main.js'))) throw new Error('not built: npm run build');
    const times = inTurn(
      () => node(path('bin/plimsoll.mjs'), '--help'),
      () => node('-e', '0'),
      { budgetMs: 2000 },
    );
    return [finding('plimsoll --help', times, 'node -e 0')];
  },
};
