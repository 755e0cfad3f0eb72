import { Tracked } from '../text/tracked.js';
import type { ShellCommand } from './state.js';
import { baseName } from '../text/characters.js';

/** Commands whose output is known from the manifest. */
const OUTPUTS: Readonly<Record<string, (words: readonly Tracked[]) => Tracked | null>> = {
  echo: (words) => joined(words.filter((word, i) => i > 0 || (word.text !== '-n' && word.text !== '-e'))),
  basename: (words) => (words.length === 1 ? lastPart(words[0] as Tracked) : null),
  cat: () => null,
};

const SPACE = Tracked.made(' ');
const joined = (words: readonly Tracked[]): Tracked =>
  Tracked.join(words.flatMap((word, i) => (i === 0 ? [word] : [SPACE, word])));
const lastPart = (path: Tracked): Tracked => path.slice(path.length - baseName(path.text).length);

/** The output of the only command inside `$( … )`, or null where it is known only at run time. */
export function outputOf(commands: readonly ShellCommand[]): Tracked | null {
  const [command, ...others] = commands;
  if (!command || others.length > 0) return null;
  const [name, ...words] = command.words;
  if (name?.text === 'cat' && words.length === 0) return command.stdin;
  const output = name && Object.hasOwn(OUTPUTS, name.text) ? OUTPUTS[name.text] : undefined;
  return output?.(words) ?? null;
}
