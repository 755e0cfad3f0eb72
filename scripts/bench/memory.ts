import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { loadFacts } from '../../src/advisor/facts.js';
import { loadGrammars } from '../../src/advisor/load-grammars.js';
import { estimate } from '../../src/memory/estimator.js';
import { withSetting } from '../../src/run/fields.js';
import type { TrainingRun } from '../../src/run/training-run.js';
import type { Benchmark, Finding } from './benchmark.js';
import { finding, shown } from './benchmark.js';
import { A100 } from './estimating.js';
import { paired } from './measure.js';
import { jobOf, read } from './trainings.js';

const ESTIMATES = 2000;
const WARM_UP = 200;
const MEBIBYTE = 1024 ** 2;
/** nanoGPT by its dimensions: one layer, so that thousands of estimates take seconds. */
const COMMAND = 'python train.py config/train_shakespeare_char.py --n_layer=1 --compile=False --dtype=float32';

/** Whether estimating again and again holds on to memory. */
export const memory: Benchmark = {
  name: 'memory',
  about: `resident memory before and after ${ESTIMATES} estimates`,
  async run(): Promise<readonly Finding[]> {
    const [reading] = read(jobOf(COMMAND, 1), await loadGrammars());
    if (!reading?.run) throw new Error('the training is not read');
    const { run } = reading;
    const estimated = estimator(run);
    for (let count = 0; count < WARM_UP; count++) estimated(count);
    const before = residentBytes();
    const times = Array.from({ length: ESTIMATES }, (_, count) => estimated(count));
    const after = residentBytes();
    const half = ESTIMATES / 2;
    const halves = paired(times.slice(half), times.slice(0, half));
    const growth = (after.resident - before.resident) / MEBIBYTE;
    const heap = (after.heap - before.heap) / MEBIBYTE;
    return [
      finding(
        `${ESTIMATES} estimates of a small GPT, second half`,
        halves,
        'the first half',
        `resident ${shown(before.resident / MEBIBYTE)} MiB, ${signed(growth)} MiB after`,
        `heap ${signed(heap)} MiB`,
      ),
    ];
  },
};

/** Milliseconds of one estimate; each has another batch, as requests have. */
function estimator(run: TrainingRun): (count: number) => number {
  const facts = loadFacts();
  return (count) => {
    const changed = withSetting(run, 'microBatchSize', { ...run.microBatchSize, value: 1 + (count % 64) });
    const start = performance.now();
    estimate({ run: changed, device: A100, facts });
    return performance.now() - start;
  };
}

const signed = (mebibytes: number): string => `${mebibytes < 0 ? '' : '+'}${mebibytes.toFixed(1)}`;

/** After everything that nobody holds was given back. */
function residentBytes(): { resident: number; heap: number } {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
  collect();
  const { rss, heapUsed } = process.memoryUsage();
  return { resident: rss, heap: heapUsed };
}
