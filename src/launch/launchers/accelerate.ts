import type { AlongsideView } from '../alongside.js';
import { readCommandLine } from '../options/command-line.js';
import type { Option } from '../options/option.js';
import { asNumber, asOptions, asText, Options } from '../options/option.js';
import { readStructured } from '../options/structured.js';
import type { Tracked } from '../text/tracked.js';
import type { Launcher, LauncherInput, LaunchSays, Peeled } from './launcher.js';
import { innerCommand, saidCount, wordsAfter } from './launcher.js';

/** accelerate/commands/launch.py launch_command_parser: flags without a value. */
export const ACCELERATE_SWITCHES: ReadonlySet<string> = new Set([
  'cpu',
  'debug',
  'downcast_bf16',
  'dynamo_use_dynamic',
  'dynamo_use_fullgraph',
  'dynamo_use_regional_compilation',
  'enable_cpu_affinity',
  'fp8_use_autocast_during_eval',
  'module',
  'multi_gpu',
  'no_python',
  'no_tpu_cluster',
  'quiet',
  'same_network',
  'tpu',
  'tpu_cluster',
  'tpu_use_sudo',
  'use_deepspeed',
  'use_fsdp',
  'use_megatron_lm',
  'use_parallelism_config',
  'm',
  'q',
]);

export const accelerate: Launcher = {
  name: 'accelerate launch',
  peel(input: LauncherInput): Peeled | null {
    const words = launchWords(input.words);
    if (!words) return null;
    const line = readCommandLine(words, { switches: ACCELERATE_SWITCHES, stopsAtPositional: true });
    const module = line.options.has('m', 'module');
    return {
      words: innerCommand(line.rest, { module, plain: line.options.has('no_python') }),
      ...accelerateSays(line.options, input.files, input.cwd),
    };
  },
};

function launchWords(words: readonly Tracked[]): readonly Tracked[] | null {
  const direct = wordsAfter(words, ['accelerate-launch'], ['accelerate.commands.launch']);
  const [verb, ...rest] = wordsAfter(words, ['accelerate'], []) ?? [];
  return direct ?? (verb?.text === 'launch' ? rest : null);
}

/** What accelerate's flags and configuration file say; also used by programs that call it themselves. */
export function accelerateSays(flags: Options, files: AlongsideView, cwd: string | null): LaunchSays {
  const file = flags.find('config_file');
  const config: Config = file ? readConfig(asText(file), files, cwd) : { options: new Options() };
  const settings = flags.over(config.options);
  const machines = settings.find('num_machines');
  const processes = settings.find('num_processes');
  return {
    settings,
    nodes: saidCount(machines) ?? { value: 1, place: null },
    ...(processes ? { worldSize: totalOf(processes) } : { processesPerNode: { value: 'gpu', place: null } }),
    ...(config.unread === undefined ? {} : { unread: config.unread }),
  };
}

/** -1 in a configuration file means every GPU. */
function totalOf(option: Option): LaunchSays['worldSize'] & object {
  if (asNumber(option) === -1) return { value: 'gpu', place: option.place };
  return saidCount(option) ?? { unresolved: `num_processes is no whole number` };
}

interface Config {
  options: Options;
  unread?: string;
}

function readConfig(path: string | undefined, files: AlongsideView, cwd: string | null): Config {
  const options = new Options();
  if (path === undefined) return { options, unread: 'the accelerate config file is named by a variable' };
  const found = files.read(path, cwd);
  if ('missing' in found) return { options, unread: `accelerate config: ${found.missing}` };
  const parsed = readStructured(found.content);
  if ('problem' in parsed) return { options, unread: `accelerate config ${path} ${parsed.problem}` };
  return { options: flatten(parsed.options) };
}

/** Sections whose keys become flags with the section's prefix (accelerate/commands/launch.py). */
const SECTIONS: Readonly<Record<string, string>> = {
  fsdp_config: 'fsdp_',
  fp8_config: 'fp8_',
  dynamo_config: 'dynamo_',
  deepspeed_config: '',
  megatron_lm_config: '',
  parallelism_config: '',
};

function flatten(options: Options): Options {
  const flat: Option[] = [];
  for (const option of options.all()) {
    const section = asOptions(option);
    const prefix = Object.hasOwn(SECTIONS, option.name) ? SECTIONS[option.name] : undefined;
    if (!section || prefix === undefined) flat.push(option);
    else flat.push(...section.all().map((inner) => prefixed(inner, prefix)));
  }
  return new Options([...flat, ...implied(options)]);
}

const prefixed = (option: Option, prefix: string): Option =>
  option.name.startsWith(prefix) ? option : { ...option, name: `${prefix}${option.name}` };

/** `distributed_type` turns on what flags of their own turn on. */
function implied(options: Options): Option[] {
  const type = options.find('distributed_type');
  const name = IMPLIED[asText(type) ?? ''];
  return name && type ? [{ ...type, name, value: true }] : [];
}

const IMPLIED: Readonly<Record<string, string>> = {
  FSDP: 'use_fsdp',
  DEEPSPEED: 'use_deepspeed',
  MULTI_GPU: 'multi_gpu',
  MEGATRON_LM: 'use_megatron_lm',
};
