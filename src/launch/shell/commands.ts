import type { Container, LaunchFacts } from '../../workload/workload.js';
import { wordPath } from '../../workload/workload.js';
import { AlongsideView } from '../alongside.js';
import type { Grammars } from '../grammars.js';
import type { FilesAlongside } from '../reading.js';
import { markPlaceholders } from '../text/placeholders.js';
import { Tracked } from '../text/tracked.js';
import { dispatch, isShell } from './dispatch.js';
import { containerEnvironment, expandReferences } from './environment.js';
import type { ShellOutcome } from './interpreter.js';
import { Interpreter } from './interpreter.js';
import { stripPrefixes } from './prefixes.js';
import type { ShellCommand } from './state.js';
import { BudgetSpent, newBudget, ShellState } from './state.js';

/** What a container would run. */
export interface ContainerCommands {
  commands: readonly ShellCommand[];
  notes: readonly string[];
  env: ReadonlyMap<string, Tracked>;
  files: AlongsideView;
  /** The manifest gives no command: the image's own entrypoint runs, with these arguments. */
  entrypointInImage: boolean;
}

/**
 * The simple commands that a container would run, in order, with every word expanded and its place kept. Nothing is
 * executed; scripts are followed through assignments, conditions, functions and nested shells within fixed bounds.
 */
export function containerCommands(
  container: Container,
  facts: LaunchFacts,
  { files, grammars }: { files: FilesAlongside; grammars: Grammars },
): ContainerCommands {
  const view = new AlongsideView(files, container);
  const env = containerEnvironment(container, facts, view);
  const outcome: ShellOutcome = { commands: [], notes: [] };
  const words = containerWords(container).map((word) => expandReferences(word, env));
  const state = new ShellState(env, view, newBudget(), container.workingDir);
  follow(words, state, new Interpreter(grammars, outcome));
  return { ...outcome, env, files: view, entrypointInImage: container.command.length === 0 };
}

/** What a shell that a launcher starts (`mpirun … bash -c '…'`) would run, in the launcher's environment. */
export function nestedCommands(command: ShellCommand, files: AlongsideView, grammars: Grammars): ShellOutcome {
  const outcome: ShellOutcome = { commands: [], notes: [] };
  const state = new ShellState(command.env, files, newBudget(), command.cwd);
  follow(command.words, state, new Interpreter(grammars, outcome));
  return outcome;
}

/** Whether a command starts a shell. */
export const startsShell = ({ words }: ShellCommand): boolean => words[0] !== undefined && isShell(words[0]);

function containerWords(container: Container): Tracked[] {
  const words = (list: 'command' | 'args'): Tracked[] =>
    container[list].map((text, i) => Tracked.of(text, { document: 'manifest', path: wordPath(container, list, i) }));
  return [...words('command'), ...words('args')];
}

function follow(words: readonly Tracked[], state: ShellState, interpreter: Interpreter): void {
  const marked = isShell(stripPrefixes(words).words[0]) ? words : words.map(markPlaceholders);
  try {
    dispatch({ words: marked, stdin: null, output: null, state, shell: state, interpreter });
  } catch (error) {
    if (!(error instanceof BudgetSpent)) throw error;
    interpreter.note(error.what);
  }
}
