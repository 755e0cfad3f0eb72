import type { SourcePlace } from '../../run/setting.js';
import type { AlongsideView } from '../alongside.js';
import type { Option } from '../options/option.js';
import { asCount, Options } from '../options/option.js';
import type { ShellCommand } from '../shell/state.js';
import { baseName } from '../text/characters.js';
import { Tracked } from '../text/tracked.js';

/** A number that a launcher states, or why it cannot be known. `gpu`: one process for each GPU of the pod. */
export type Said = { value: number | 'gpu'; place: SourcePlace | null; low?: number } | { unresolved: string };

/** What a launcher says of the processes that it starts. */
export interface LaunchSays {
  processesPerNode?: Said;
  nodes?: Said;
  worldSize?: Said;
  /** Settings that reach the training through the launcher (accelerate's flags and file, flattened). */
  settings?: Options;
  /** Why a file that holds such settings could not be read: what it would have set is open. */
  unread?: string;
  notes?: readonly string[];
}

/** The command inside a launcher's, and what the launcher says. */
export interface Peeled extends LaunchSays {
  words: readonly Tracked[];
  /** Variables that the launcher hands on (`mpirun -x A=1`). */
  env?: ReadonlyMap<string, Tracked>;
}

export interface LauncherInput extends ShellCommand {
  files: AlongsideView;
}

/** Takes one launcher off a command; null where the command is not its own. */
export interface Launcher {
  name: string;
  peel(input: LauncherInput): Peeled | null;
}

/** The words after a launcher's name, called as a console script or as `python -m module`; null where it is not. */
export function wordsAfter(
  words: readonly Tracked[],
  scripts: readonly string[],
  modules: readonly string[],
): readonly Tracked[] | null {
  const name = baseName(words[0]?.text ?? '');
  if (scripts.includes(name)) return words.slice(1);
  if (!isPython(name)) return null;
  const at = words.findIndex((word, i) => i > 0 && word.text === '-m');
  const module = words[at + 1];
  return at > 0 && at <= 3 && module && modules.includes(module.text) ? words.slice(at + 2) : null;
}

/** `python`, `python3`, `python3.11`. */
export function isPython(name: string): boolean {
  const version = name.startsWith('python') ? name.slice(6) : null;
  return version !== null && [...version].every((c) => c === '.' || (c >= '0' && c <= '9'));
}

const PYTHON = Tracked.made('python');
const MODULE = Tracked.made('-m');

/** The command that a launcher of Python programs runs: a script, with `module` a module, with `plain` any command. */
export function innerCommand(rest: readonly Tracked[], kind: { module: boolean; plain: boolean }): readonly Tracked[] {
  if (kind.plain) return rest;
  return kind.module ? [PYTHON, MODULE, ...rest] : [PYTHON, ...rest];
}

/** A count as a launcher's option says it. */
export function saidCount(option: Option | undefined): Said | undefined {
  if (!option || option.value === null) return undefined;
  if (option.unresolved !== null) return { unresolved: option.unresolved };
  const value = asCount(option);
  return value === undefined ? undefined : { value, place: option.place };
}

/** A variable of the environment as an option. */
export function environmentOption(env: ReadonlyMap<string, Tracked>, name: string): Option | undefined {
  const text = env.get(name);
  if (!text) return undefined;
  return { name, value: text.text, place: text.place(), unresolved: text.unresolved[0] ?? null };
}

export const noOptions = new Options();
