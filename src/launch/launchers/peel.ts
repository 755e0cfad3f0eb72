import type { AlongsideView } from '../alongside.js';
import type { ShellCommand } from '../shell/state.js';
import { isAssignment, stripPrefixes } from '../shell/prefixes.js';
import type { Tracked } from '../text/tracked.js';
import type { LaunchSays, Peeled } from './launcher.js';
import { LAUNCHERS } from './table.js';

const MAX_LAUNCHERS = 5;

/** A command without its launchers. */
export interface Launched {
  command: ShellCommand;
  /** Names, the outermost first; empty where the program is started by itself. */
  launchers: readonly string[];
  says: LaunchSays;
}

/** Takes off every launcher around a command: `mpirun … torchrun … train.py`. An inner one wins where both speak. */
export function peelLaunchers(command: ShellCommand, files: AlongsideView): Launched {
  let launched: Launched = { command: withoutPrefixes(command), launchers: [], says: {} };
  for (let i = 0; i < MAX_LAUNCHERS; i++) {
    const found = firstPeel(launched.command, files);
    if (!found) break;
    launched = within(launched, found.name, found.peeled);
  }
  return launched;
}

function firstPeel(command: ShellCommand, files: AlongsideView): { name: string; peeled: Peeled } | null {
  for (const launcher of LAUNCHERS) {
    const peeled = launcher.peel({ ...command, files });
    if (peeled) return { name: launcher.name, peeled };
  }
  return null;
}

function within(outer: Launched, name: string, { words, env, ...says }: Peeled): Launched {
  const merged = env && env.size > 0 ? new Map([...outer.command.env, ...env]) : outer.command.env;
  return {
    command: withoutPrefixes({ ...outer.command, words, env: merged }),
    launchers: [...outer.launchers, name],
    says: mergeSays(outer.says, says),
  };
}

/** What an inner launcher says wins over what an outer one says. */
export function mergeSays(outer: LaunchSays, inner: LaunchSays): LaunchSays {
  const spoken = Object.fromEntries(Object.entries(inner).filter(([, value]) => value !== undefined));
  return { ...outer, ...spoken, notes: [...(outer.notes ?? []), ...(inner.notes ?? [])] };
}

function withoutPrefixes(command: ShellCommand): ShellCommand {
  const { words, assignments } = stripPrefixes(command.words);
  if (assignments.length === 0) return { ...command, words };
  return { ...command, words, env: new Map([...command.env, ...assignments.filter(isAssignment).map(split)]) };
}

function split(word: Tracked): [string, Tracked] {
  const equals = word.text.indexOf('=');
  return [word.text.slice(0, equals), word.slice(equals + 1)];
}
