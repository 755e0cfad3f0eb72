import type { SyntaxNode } from '../grammars.js';
import type { AlongsideView } from '../alongside.js';
import { Tracked } from '../text/tracked.js';

/** A command that would run, its words expanded. */
export interface ShellCommand {
  words: readonly Tracked[];
  /** Variables as the command would see them. */
  env: ReadonlyMap<string, Tracked>;
  /** Text of a heredoc or here-string. */
  stdin: Tracked | null;
  cwd: string | null;
  /** Runs only where a condition holds that is not known here. */
  conditional: boolean;
}

/** A shell variable: one text, or the elements of an array. */
export type Variable = Tracked | readonly Tracked[];

export interface ShellFunction {
  script: Script;
  body: SyntaxNode;
}

/** A parsed script: tree and text share their offsets. */
export interface Script {
  text: Tracked;
  root: SyntaxNode;
}

/** What a command may ask of the interpreter that runs it. */
export interface ShellRunner {
  /** Follows a nested script in the given state. */
  run(source: Tracked, state: ShellState): void;
  /** Runs the body of a function. */
  runNode(node: SyntaxNode, script: Script, state: ShellState): void;
  emit(command: ShellCommand): void;
  note(text: string): void;
}

/** What limits one reading; shared by everything that is read below one container. */
export interface Budget {
  steps: number;
  characters: number;
  depth: number;
}

export const newBudget = (): Budget => ({ steps: 20_000, characters: 4_000_000, depth: 12 });

/** Ends the reading of a script that would take too long to follow; caught where the reading began. */
export class BudgetSpent extends Error {
  constructor(readonly what: string) {
    super(what);
    this.name = 'BudgetSpent';
  }
}

export function spend(budget: Budget, characters: number): void {
  budget.steps -= 1;
  budget.characters -= characters;
  if (budget.steps < 0) throw new BudgetSpent('the script takes too many steps to follow');
  if (budget.characters < 0) throw new BudgetSpent('the script expands to too much text');
}

/** The state of one shell. Copies share what cannot change; branches work on copies. */
export class ShellState {
  variables: Map<string, Variable>;
  functions: Map<string, ShellFunction>;
  positional: readonly Tracked[];
  cwd: string | null;
  /** True after `exit` or `return`: nothing that follows runs. */
  ended = false;
  conditional = false;

  constructor(
    environment: ReadonlyMap<string, Variable>,
    readonly files: AlongsideView,
    readonly budget: Budget,
    cwd: string | null,
  ) {
    this.variables = new Map(environment);
    this.functions = new Map();
    this.positional = [];
    this.cwd = cwd;
  }

  copy(): ShellState {
    const copy = new ShellState(this.variables, this.files, this.budget, this.cwd);
    copy.functions = new Map(this.functions);
    copy.positional = this.positional;
    copy.conditional = this.conditional;
    copy.ended = this.ended;
    return copy;
  }

  /** Takes over everything of a copy that ran to its end. */
  adopt(other: ShellState): void {
    this.variables = other.variables;
    this.functions = other.functions;
    this.cwd = other.cwd;
    this.ended = other.ended;
  }

  /** The text of a variable: for an array its first element, as in bash. */
  text(name: string): Tracked | undefined {
    const variable = this.variables.get(name);
    return variable instanceof Tracked ? variable : variable?.[0];
  }

  list(name: string): readonly Tracked[] {
    const variable = this.variables.get(name);
    if (variable === undefined) return [];
    return variable instanceof Tracked ? [variable] : variable;
  }

  set(name: string, value: Variable): void {
    spend(this.budget, sizeOf(value));
    this.variables.set(name, value);
  }

  /** Variables as a child process would see them; whether they were exported is not followed. */
  environment(): Map<string, Tracked> {
    const environment = new Map<string, Tracked>();
    for (const [name, value] of this.variables) if (value instanceof Tracked) environment.set(name, value);
    return environment;
  }
}

const sizeOf = (value: Variable): number =>
  value instanceof Tracked ? value.length : value.reduce((sum, element) => sum + element.length, 0);

/**
 * What is known after a condition that is not: where the branches agree their value, else a piece that says so.
 * Branches that end the script do not count.
 */
export function mergeBranches(into: ShellState, branches: readonly ShellState[]): void {
  const alive = branches.filter((branch) => !branch.ended);
  const [first, ...others] = alive;
  if (!first) {
    into.ended = branches.length > 0;
    return;
  }
  into.adopt(first);
  into.cwd = others.every((other) => other.cwd === first.cwd) ? first.cwd : null;
  for (const other of others) mergeVariables(into, other);
}

function mergeVariables(into: ShellState, other: ShellState): void {
  for (const name of new Set([...into.variables.keys(), ...other.variables.keys()])) {
    const one = into.variables.get(name);
    const two = other.variables.get(name);
    if (one === two || sameText(one, two)) continue;
    const written = Tracked.made(`$${name}`);
    into.variables.set(name, Tracked.unresolved(written, `$${name} depends on a condition in the script`));
  }
}

function sameText(one: Variable | undefined, two: Variable | undefined): boolean {
  return one instanceof Tracked && two instanceof Tracked && one.text === two.text;
}
