import type { Option } from '../options/option.js';
import { asText } from '../options/option.js';
import { readCommandLine } from '../options/command-line.js';
import type { Launcher, LauncherInput, Peeled, Said } from './launcher.js';
import { environmentOption, innerCommand, saidCount, wordsAfter } from './launcher.js';

/** `torch.distributed.run` has the same flags under each of these names; ft_launcher (NVIDIA resiliency) and dlrover-run extend it. */
const SCRIPTS = ['torchrun', 'ft_launcher', 'dlrover-run'];
const MODULES = ['torch.distributed.run', 'torch.distributed.launch', 'torch.distributed.elastic'];

/** torch/distributed/run.py get_args_parser */
export const TORCHRUN_SWITCHES: ReadonlySet<string> = new Set([
  'standalone',
  'm',
  'module',
  'no_python',
  'run_path',
  'use_env',
  'network_check',
  'comm_perf_test',
  'auto_config',
  'auto_tunning',
  'exclude_straggler',
  'save_at_breakpoint',
]);

export const torchrun: Launcher = {
  name: 'torchrun',
  peel(input: LauncherInput): Peeled | null {
    const words = wordsAfter(input.words, SCRIPTS, MODULES);
    if (!words) return null;
    const line = readCommandLine(words, { switches: TORCHRUN_SWITCHES, stopsAtPositional: true });
    const flag = (name: string): Option | undefined =>
      line.options.find(name) ?? environmentOption(input.env, `PET_${name.toUpperCase()}`);
    const module = line.options.has('m', 'module');
    return {
      words: innerCommand(line.rest, { module, plain: line.options.has('no_python') }),
      processesPerNode: processesOf(flag('nproc_per_node')),
      nodes: line.options.has('standalone') ? { value: 1, place: null } : nodesOf(flag('nnodes')),
    };
  },
};

/** `gpu` and `auto` are the visible GPUs; without the flag one process (torch/distributed/run.py). */
export function processesOf(option: Option | undefined): Said {
  const text = asText(option);
  if (text === 'gpu' || text === 'auto') return { value: 'gpu', place: option?.place ?? null };
  if (text === 'cpu') return { unresolved: `nproc_per_node is the number of CPUs` };
  return saidCount(option) ?? { value: 1, place: null };
}

/** `N`, or `MIN:MAX` of an elastic job. */
export function nodesOf(option: Option | undefined): Said {
  const [low, high, ...others] = asText(option)?.split(':').map(Number) ?? [];
  const isRange = isNodeCount(low) && isNodeCount(high) && low <= high && others.length === 0;
  if (!isRange) return saidCount(option) ?? { value: 1, place: null };
  return { value: high, place: option?.place ?? null, low };
}

const isNodeCount = (value: number | undefined): value is number =>
  value !== undefined && Number.isSafeInteger(value) && value >= 1;
