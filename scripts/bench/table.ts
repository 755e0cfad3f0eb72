import type { Benchmark } from './benchmark.js';
import { commandLine } from './command-line.js';
import { estimating } from './estimating.js';
import { fitting } from './fitting.js';
import { fleet } from './fleet.js';
import { inventory } from './inventory.js';
import { memory } from './memory.js';
import { reading } from './reading.js';

/** Everything that is timed by `npm run bench`. */
export const BENCHMARKS: readonly Benchmark[] = [reading, estimating, fitting, inventory, fleet, commandLine, memory];
