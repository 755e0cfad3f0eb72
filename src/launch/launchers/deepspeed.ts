import { readCommandLine } from '../options/command-line.js';
import { asNumber, asText } from '../options/option.js';
import type { Options } from '../options/option.js';
import type { Launcher, LauncherInput, Peeled, Said } from './launcher.js';
import { innerCommand, saidCount, wordsAfter } from './launcher.js';

/** deepspeed/launcher/runner.py parse_args: flags without a value. */
const SWITCHES: ReadonlySet<string> = new Set([
  'bind_cores_to_rank',
  'force_multi',
  'module',
  'no_local_rank',
  'no_python',
  'no_ssh',
  'no_ssh_check',
  'quiet',
  'q',
  'save_pid',
]);

export const deepspeed: Launcher = {
  name: 'deepspeed',
  peel(input: LauncherInput): Peeled | null {
    const words = wordsAfter(input.words, ['deepspeed', 'ds', 'deepspeed.pt'], ['deepspeed.launcher.runner']);
    if (!words) return null;
    const syntax = {
      switches: SWITCHES,
      short: { H: 'hostfile', i: 'include', e: 'exclude' },
      stopsAtPositional: true,
    };
    const { options, rest } = readCommandLine(words, syntax);
    return {
      words: innerCommand(rest, { module: options.has('module'), plain: options.has('no_python') }),
      processesPerNode: processesOf(options),
      ...nodesOf(options),
    };
  },
};

/** -1, the default: all visible GPUs, or the slots of the hostfile. `--include host:0,1` names them. */
function processesOf(options: Options): Said {
  const option = options.find('num_gpus', 'num_accelerators');
  if (asNumber(option) === -1) return { value: 'gpu', place: option?.place ?? null };
  return saidCount(option) ?? includedSlots(options) ?? { value: 'gpu', place: null };
}

function includedSlots(options: Options): Said | undefined {
  const option = options.find('include');
  const text = asText(option);
  const colon = text?.indexOf(':') ?? -1;
  if (!text || colon < 0 || text.includes('@')) return undefined;
  return { value: text.slice(colon + 1).split(',').length, place: option?.place ?? null };
}

function nodesOf(options: Options): { nodes?: Said } {
  const said = saidCount(options.find('num_nodes'));
  return said ? { nodes: said } : {};
}
