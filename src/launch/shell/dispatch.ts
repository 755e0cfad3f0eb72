import { baseName } from '../text/characters.js';
import { Tracked } from '../text/tracked.js';
import type { Truth } from './conditions.js';
import { compare, unary } from './conditions.js';
import { isAssignment, stripPrefixes } from './prefixes.js';
import type { ShellRunner, ShellState } from './state.js';

/** A simple command about to run. */
export interface Invocation {
  words: readonly Tracked[];
  stdin: Tracked | null;
  output: { path: Tracked; append: boolean } | null;
  /** With the assignments in front of the command. */
  state: ShellState;
  /** The shell itself: what `cd`, `export` and `source` change. */
  shell: ShellState;
  interpreter: ShellRunner;
}

type Builtin = (invocation: Invocation, words: readonly Tracked[]) => Truth;

const SHELLS: ReadonlySet<string> = new Set(['sh', 'bash', 'dash', 'zsh', 'ash', 'ksh']);
export const isShell = (word: Tracked | undefined): boolean => word !== undefined && SHELLS.has(baseName(word.text));

/** Runs one command: a builtin, a function, a nested shell, a script alongside; everything else is what is looked for. */
export function dispatch(invocation: Invocation): Truth {
  const { words, assignments } = stripPrefixes(invocation.words);
  const [name] = words;
  if (!name) return assignments.length > 0 ? true : null;
  const prepared = withEnvAssignments({ ...invocation, words }, assignments);
  const builtin = Object.hasOwn(BUILTINS, name.text) ? BUILTINS[name.text] : undefined;
  if (builtin) return builtin(prepared, words.slice(1));
  if (prepared.shell.functions.has(name.text)) return callFunction(prepared, name.text);
  if (isShell(name)) return nestedShell(prepared);
  if (runScriptFile(prepared, words)) return null;
  keepOutput(prepared);
  return emit(prepared);
}

function withEnvAssignments(invocation: Invocation, assignments: readonly Tracked[]): Invocation {
  if (assignments.length === 0) return invocation;
  const state = invocation.state.copy();
  for (const word of assignments) {
    const equals = word.text.indexOf('=');
    state.set(word.text.slice(0, equals), word.slice(equals + 1));
  }
  return { ...invocation, state };
}

function emit({ words, stdin, state, interpreter }: Invocation): Truth {
  const { cwd, conditional } = state;
  interpreter.emit({ words, env: state.environment(), stdin, cwd, conditional });
  return null;
}

const BUILTINS: Readonly<Record<string, Builtin>> = {
  true: () => true,
  ':': () => true,
  false: () => false,
  exit: ({ shell }) => ((shell.ended = true), null),
  return: ({ shell }) => ((shell.ended = true), null),
  cd: ({ shell }, words) => changeDirectory(shell, words),
  pushd: ({ shell }, words) => changeDirectory(shell, words),
  set: ({ shell }, words) => setPositional(shell, words),
  shift: ({ shell }) => ((shell.positional = [...shell.positional.slice(0, 1), ...shell.positional.slice(2)]), true),
  export: ({ shell }, words) => exportWords(shell, words),
  eval: ({ shell, interpreter }, words) => (interpreter.run(Tracked.join(spaced(words)), shell), null),
  source: (invocation, words) => sourceFile(invocation, words),
  '.': (invocation, words) => sourceFile(invocation, words),
  '[': (_, words) => testWords(words.slice(0, -1)),
  test: (_, words) => testWords(words),
  read: () => null,
  echo: (invocation) => (keepOutput(invocation), emit(invocation), true),
  mkdir: () => true,
};

const SPACE = Tracked.made(' ');
const spaced = (words: readonly Tracked[]): Tracked[] => words.flatMap((word, i) => (i === 0 ? [word] : [SPACE, word]));

function changeDirectory(shell: ShellState, words: readonly Tracked[]): Truth {
  const target = words.find((word) => !word.text.startsWith('-'));
  if (!target?.isResolved) shell.cwd = null;
  else if (target.text.startsWith('/')) shell.cwd = target.text.slice(0, 1000);
  else shell.cwd = shell.cwd === null ? null : `${shell.cwd}/${target.text}`.slice(0, 1000);
  return true;
}

/** `set -- a b` replaces the arguments; options change nothing that is followed here. */
function setPositional(shell: ShellState, words: readonly Tracked[]): Truth {
  const mark = words.findIndex((word) => word.text === '--');
  if (mark >= 0) shell.positional = [...shell.positional.slice(0, 1), ...words.slice(mark + 1)];
  return true;
}

function exportWords(shell: ShellState, words: readonly Tracked[]): Truth {
  for (const word of words.filter(isAssignment)) {
    const equals = word.text.indexOf('=');
    shell.set(word.text.slice(0, equals), word.slice(equals + 1));
  }
  return true;
}

function testWords(words: readonly Tracked[]): Truth {
  const [first, second, third] = words;
  if (first && second && third && words.length === 3) return compare(first, second.text, third);
  return first && second && words.length === 2 ? unary(first.text, second) : null;
}

function sourceFile({ shell, interpreter }: Invocation, words: readonly Tracked[]): Truth {
  const [path] = words;
  const found = path && shell.files.read(path.text, shell.cwd);
  if (found && 'content' in found) interpreter.run(found.content, shell);
  return null;
}

function callFunction({ words, state, shell, interpreter }: Invocation, name: string): Truth {
  const definition = shell.functions.get(name);
  if (!definition) return null;
  const { positional } = shell;
  const inner = state === shell ? shell : state;
  inner.positional = words;
  interpreter.runNode(definition.body, definition.script, inner);
  inner.positional = positional;
  inner.ended = false;
  return null;
}

/** `bash -c SCRIPT`, `bash FILE`, or a script on standard input. */
function nestedShell(invocation: Invocation): Truth {
  const { words, stdin, interpreter } = invocation;
  const at = firstOperand(words);
  const operand = words[at];
  const isCommand = words.slice(1, at).some((word) => word.text.startsWith('-') && word.text.includes('c'));
  const inner = childShell(invocation);
  if (isCommand && operand) {
    inner.positional = words.slice(at + 1).length > 0 ? words.slice(at + 1) : [words[0] as Tracked];
    interpreter.run(operand, inner);
    return null;
  }
  if (operand && operand.text !== '-') {
    if (!runScriptFile(invocation, words.slice(at), true)) emit(invocation);
    return null;
  }
  if (stdin) interpreter.run(stdin, inner);
  return null;
}

function firstOperand(words: readonly Tracked[]): number {
  let at = 1;
  while (at < words.length && isOption((words[at] as Tracked).text)) at += words[at]?.text === '-o' ? 2 : 1;
  return at;
}

const isOption = (word: string): boolean => word.length > 1 && (word.startsWith('-') || word.startsWith('+'));

function childShell({ state }: Invocation): ShellState {
  const inner = state.copy();
  inner.functions = new Map();
  return inner;
}

/** Follows a script that lies alongside; without `forced` only one that looks like a shell script. */
function runScriptFile(invocation: Invocation, words: readonly Tracked[], forced = false): boolean {
  const [path] = words;
  if (!path?.isResolved || !(forced || path.text.endsWith('.sh'))) return false;
  const found = invocation.state.files.read(path.text, invocation.state.cwd);
  if ('missing' in found) {
    invocation.interpreter.note(found.missing);
    return false;
  }
  const inner = childShell(invocation);
  inner.positional = words;
  invocation.interpreter.run(found.content, inner);
  return true;
}

/** Remembers files that the script writes: `cat <<EOF > x`, `echo … > x`, `tee x <<EOF`. */
function keepOutput(invocation: Invocation): void {
  const { words, stdin, output, state } = invocation;
  const target = outputTarget(invocation);
  const content = contentOf(words[0]?.text, words, stdin);
  if (!target?.isResolved || !content) return;
  const before = output?.append ? state.files.read(target.text, state.cwd) : null;
  const whole = before && 'content' in before ? Tracked.join([before.content, content]) : content;
  state.files.write(target.text, state.cwd, whole);
}

function outputTarget({ words, output }: Invocation): Tracked | undefined {
  const isTee = words[0]?.text === 'tee';
  return isTee ? words.slice(1).find((word) => !word.text.startsWith('-')) : output?.path;
}

function contentOf(name: string | undefined, words: readonly Tracked[], stdin: Tracked | null): Tracked | null {
  if (name === 'echo') return Tracked.join([...spaced(words.slice(1)), Tracked.made('\n')]);
  if (name === 'printf') return words.length === 2 ? (words[1] as Tracked) : null;
  if ((name === 'cat' && words.length === 1) || name === 'tee') return stdin;
  return null;
}
