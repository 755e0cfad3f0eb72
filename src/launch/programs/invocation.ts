import type { Statement } from '../../workload/workload.js';
import type { AlongsideView } from '../alongside.js';
import { isPython } from '../launchers/launcher.js';
import { isShell } from '../shell/dispatch.js';
import type { ShellCommand } from '../shell/state.js';
import { baseName } from '../text/characters.js';
import type { Grammars } from '../grammars.js';
import type { PythonSource } from '../python/source.js';
import { readPython } from '../python/source.js';
import { Tracked } from '../text/tracked.js';

/** A program as it is started, without its launchers. */
export interface Invocation {
  kind: 'script' | 'module' | 'console' | 'inline' | 'image';
  /** File name of a script, full name of a module, name of a console script, `-c` or `-` of inline code; empty for the
   * image's own entrypoint. */
  name: string;
  /** As written, for messages. */
  written: Tracked;
  args: readonly Tracked[];
  /** Its Python source, where it is known. */
  source: Tracked | null;
  /** The source as syntax; null where it is not known or not read. */
  python: PythonSource | null;
  /** Why the source is not known. */
  sourceMissing: string | null;
  env: ReadonlyMap<string, Tracked>;
  cwd: string | null;
  /** What the object says of the training outside of any container. */
  statements?: readonly Statement[];
}

const VALUED_PYTHON_FLAGS: ReadonlySet<string> = new Set(['-W', '-X', '--check-hash-based-pycs']);

/** What a command starts: a Python script, module or inline code, or a console script. */
export function invocationOf(command: ShellCommand, files: AlongsideView): Invocation | null {
  const [name, ...words] = command.words;
  if (!name) return null;
  const base = { written: name, source: null, python: null, sourceMissing: null, env: command.env, cwd: command.cwd };
  if (isPython(baseName(name.text))) return pythonInvocation(words, command, files);
  if (name.text.endsWith('.py')) return scriptInvocation(command.words, command, files);
  const [script] = words;
  if (isShell(name) && script?.text.endsWith('.sh'))
    return { ...base, kind: 'console', name: baseName(script.text), written: script, args: words.slice(1) };
  return { ...base, kind: 'console', name: baseName(name.text), args: words };
}

function pythonInvocation(words: readonly Tracked[], command: ShellCommand, files: AlongsideView): Invocation | null {
  const at = firstOperand(words);
  const [word, next] = [words[at], words[at + 1]];
  const base = { env: command.env, cwd: command.cwd, sourceMissing: null, python: null, args: words.slice(at + 2) };
  if (!word || word.text === '-') return standardInput(words.slice(at), command);
  if (word.text === '-c' && next) return { ...base, kind: 'inline', name: '-c', written: word, source: next };
  if (word.text === '-m' && next) return { ...base, kind: 'module', name: next.text, written: next, source: null };
  return scriptInvocation(words.slice(at), command, files);
}

function standardInput(words: readonly Tracked[], command: ShellCommand): Invocation | null {
  if (!command.stdin) return null;
  return {
    kind: 'inline',
    name: '-',
    written: words[0] ?? Tracked.made('-'),
    args: words.slice(1),
    source: command.stdin,
    python: null,
    sourceMissing: null,
    env: command.env,
    cwd: command.cwd,
  };
}

/** The first word that is no flag of the interpreter's own; `-c` and `-m` end them too. */
function firstOperand(words: readonly Tracked[]): number {
  let at = 0;
  while (at < words.length) {
    const text = (words[at] as Tracked).text;
    if (!text.startsWith('-') || text === '-' || text === '-c' || text === '-m') break;
    at += VALUED_PYTHON_FLAGS.has(text) ? 2 : 1;
  }
  return at;
}

function scriptInvocation(words: readonly Tracked[], command: ShellCommand, files: AlongsideView): Invocation | null {
  const [path, ...args] = words;
  if (!path) return null;
  const found = path.isResolved
    ? files.read(path.text, command.cwd)
    : { missing: `${path.text} is named by a variable` };
  const known =
    'content' in found
      ? { source: found.content, sourceMissing: null }
      : { source: null, sourceMissing: found.missing };
  return {
    kind: 'script',
    name: baseName(path.text),
    written: path,
    args,
    env: command.env,
    cwd: command.cwd,
    python: null,
    ...known,
  };
}

/** The entrypoint of an image whose command the manifest leaves as it is. */
export function imageInvocation(
  args: readonly Tracked[],
  env: ReadonlyMap<string, Tracked>,
  cwd: string | null,
): Invocation {
  const base = { source: null, python: null, sourceMissing: 'the command is in the image', env, cwd };
  return { ...base, kind: 'image', name: '', written: args[0] ?? Tracked.made('the entrypoint of the image'), args };
}

/** The invocation with its source read as syntax, where the source is known. */
export function withPython(invocation: Invocation, grammars: Grammars): Invocation {
  if (!invocation.source) return invocation;
  const python = readPython(invocation.source, grammars);
  if ('refused' in python) return { ...invocation, sourceMissing: `the Python source is ${python.refused}` };
  return { ...invocation, python };
}
