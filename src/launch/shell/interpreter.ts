import type { Grammars, SyntaxNode } from '../grammars.js';
import { Tracked } from '../text/tracked.js';
import { markTemplates } from '../text/templates.js';
import { caseMatches, clausesOf } from './branches.js';
import { dispatch } from './dispatch.js';
import type { ExpansionContext } from './expansion-context.js';
import { textOf } from './expansion-context.js';
import type { Truth } from './conditions.js';
import { and, or, testCommand } from './conditions.js';
import { heredocText, expandText, expandWords } from './words.js';
import { outputOf } from './substitutions.js';
import type { Script, ShellCommand, ShellRunner, ShellState } from './state.js';
import { mergeBranches, spend } from './state.js';

/** What one reading gathers: the commands that would run, and what could not be followed. */
export interface ShellOutcome {
  commands: ShellCommand[];
  notes: string[];
}

const MAX_COMMANDS = 2_000;
const MAX_LOOP_ROUNDS = 8;

/** Redirections around the command that is being run. */
interface Streams {
  stdin: Tracked | null;
  /** File that standard output goes to. */
  output: { path: Tracked; append: boolean } | null;
}

const NO_STREAMS: Streams = { stdin: null, output: null };

type RunStatement = (node: SyntaxNode, streams: Streams) => Truth;

/** Follows shell scripts without running anything: assignments, branches, loops, functions, nested scripts. */
export class Interpreter implements ShellRunner {
  constructor(
    private readonly grammars: Grammars,
    readonly outcome: ShellOutcome,
  ) {}

  /** Follows a script; what it assigns stays in `state`. */
  run(source: Tracked, state: ShellState): void {
    if (state.budget.depth <= 0) {
      this.note('scripts are nested too deeply to follow');
      return;
    }
    const text = markTemplates(source);
    const parsed = this.grammars.bash(text.masked('x'));
    if ('refused' in parsed) {
      this.note(`a script of ${text.length} characters is ${parsed.refused} and was not read`);
      return;
    }
    state.budget.depth -= 1;
    new ScriptRun(this, { text, root: parsed.root }, state).all(parsed.root);
    state.budget.depth += 1;
  }

  note(text: string): void {
    if (this.outcome.notes.length < 50 && !this.outcome.notes.includes(text)) this.outcome.notes.push(text);
  }

  emit(command: ShellCommand): void {
    if (this.outcome.commands.length < MAX_COMMANDS) this.outcome.commands.push(command);
  }

  /** Runs a function's body in a shell that already has its arguments. */
  runNode(node: SyntaxNode, script: Script, state: ShellState): void {
    if (state.budget.depth <= 0) return;
    state.budget.depth -= 1;
    new ScriptRun(this, script, state).statement(node, NO_STREAMS);
    state.budget.depth += 1;
  }

  /** The output of `$( … )` where it is known. */
  substitute(node: SyntaxNode, script: Script, state: ShellState): Tracked {
    const inner: ShellOutcome = { commands: [], notes: [] };
    const run = new ScriptRun(new Interpreter(this.grammars, inner), script, state.copy());
    if (state.budget.depth > 0) {
      state.budget.depth -= 1;
      run.all(node);
      state.budget.depth += 1;
    }
    const written = script.text.slice(node.start, node.end);
    return outputOf(inner.commands) ?? Tracked.unresolved(written, `${shortened(written)} is the output of a command`);
  }
}

const shortened = (text: Tracked): string => (text.length > 60 ? `${text.text.slice(0, 60)}…` : text.text);

/** One script being followed in one state. */
class ScriptRun {
  private readonly context: ExpansionContext;

  constructor(
    private readonly interpreter: Interpreter,
    private readonly script: Script,
    private readonly state: ShellState,
  ) {
    this.context = { script, state, substitute: (node, own, at) => interpreter.substitute(node, own, at) };
  }

  /** Every statement below a node, in order. */
  all(node: SyntaxNode): Truth {
    return this.sequence(node.children);
  }

  statement(node: SyntaxNode, streams: Streams): Truth {
    if (this.state.ended) return null;
    spend(this.state.budget, 0);
    const run = Object.hasOwn(this.statements, node.type) ? this.statements[node.type] : undefined;
    return run ? run(node, streams) : null;
  }

  private readonly statements: Readonly<Record<string, RunStatement>> = {
    command: (node, streams) => this.command(node, streams),
    variable_assignment: (node) => this.assign(node),
    variable_assignments: (node) => this.each(node, 'variable_assignment'),
    declaration_command: (node) => this.each(node, 'variable_assignment'),
    unset_command: () => true,
    redirected_statement: (node, streams) => this.redirected(node, streams),
    pipeline: (node) => this.pipeline(node),
    list: (node) => this.list(node),
    test_command: (node) => testCommand(node, this.context),
    negated_command: (node) => negate(this.sequence(node.children)),
    if_statement: (node) => this.ifStatement(node),
    for_statement: (node) => this.forStatement(node),
    c_style_for_statement: (node) => this.body(node),
    while_statement: (node) => this.whileStatement(node),
    case_statement: (node) => this.caseStatement(node),
    compound_statement: (node) => this.all(node),
    do_group: (node) => this.all(node),
    subshell: (node) => this.subshell(node),
    function_definition: (node) => this.defineFunction(node),
    program: (node) => this.all(node),
    ERROR: (node) => this.all(node),
  };

  private sequence(nodes: readonly SyntaxNode[]): Truth {
    let truth: Truth = true;
    for (const node of nodes) if (node.named) truth = this.statement(node, NO_STREAMS);
    return truth;
  }

  private branch(run: (branch: ScriptRun) => void, conditional: boolean): ShellState {
    const state = this.state.copy();
    state.conditional ||= conditional;
    run(new ScriptRun(this.interpreter, this.script, state));
    return state;
  }

  private command(node: SyntaxNode, streams: Streams): Truth {
    const words: Tracked[] = [];
    const assignments: SyntaxNode[] = [];
    let stdin = streams.stdin;
    for (const child of node.children) {
      if (child.type === 'variable_assignment') assignments.push(child);
      else if (child.type === 'herestring_redirect') stdin = this.hereString(child);
      else if (isWord(child)) words.push(...expandWords(child, this.context));
    }
    const scoped = assignments.length > 0 ? this.withAssignments(assignments) : this.state;
    return dispatch({
      words,
      stdin,
      output: streams.output,
      state: scoped,
      shell: this.state,
      interpreter: this.interpreter,
    });
  }

  private withAssignments(assignments: readonly SyntaxNode[]): ShellState {
    const scoped = this.state.copy();
    const run = new ScriptRun(this.interpreter, this.script, scoped);
    for (const assignment of assignments) run.assign(assignment);
    return scoped;
  }

  private hereString(node: SyntaxNode): Tracked | null {
    const word = node.children.find((child) => child.named);
    return word ? expandText(word, this.context) : null;
  }

  private assign(node: SyntaxNode): Truth {
    const target = node.children.find((child) => child.field === 'name');
    const value = node.children.find((child) => child.field === 'value');
    if (!target || target.type !== 'variable_name') return true;
    const name = textOf(target, this.script).text;
    const adds = node.children.some((child) => child.type === '+=');
    if (value?.type === 'array') this.assignArray(name, value, adds);
    else this.assignText(name, value ? expandText(value, this.context) : Tracked.empty, adds);
    return true;
  }

  private assignArray(name: string, node: SyntaxNode, adds: boolean): void {
    const words = node.children.filter((child) => child.named).flatMap((child) => expandWords(child, this.context));
    this.state.set(name, adds ? [...this.state.list(name), ...words] : words);
  }

  private assignText(name: string, value: Tracked, adds: boolean): void {
    const before = adds ? this.state.text(name) : undefined;
    this.state.set(name, before ? Tracked.join([before, value]) : value);
  }

  private each(node: SyntaxNode, type: string): Truth {
    for (const child of node.children) if (child.type === type) this.statement(child, NO_STREAMS);
    return true;
  }

  private redirected(node: SyntaxNode, outer: Streams): Truth {
    const streams = { ...outer };
    const pipelines: SyntaxNode[] = [];
    for (const redirect of node.children.filter((child) => child.field === 'redirect')) {
      this.redirect(redirect, streams);
      pipelines.push(...redirect.children.filter((child) => child.type === 'pipeline'));
    }
    const body = node.children.find((child) => child.field === 'body');
    const truth = body ? this.statement(body, streams) : null;
    for (const pipeline of pipelines) this.pipeline(pipeline);
    return truth;
  }

  private redirect(node: SyntaxNode, streams: Streams): void {
    if (node.type === 'heredoc_redirect') this.heredoc(node, streams);
    if (node.type === 'herestring_redirect') streams.stdin = this.hereString(node);
    if (node.type === 'file_redirect') this.fileRedirect(node, streams);
  }

  private heredoc(node: SyntaxNode, streams: Streams): void {
    const mark = node.children.find((child) => child.type === 'heredoc_start');
    const body = node.children.find((child) => child.type === 'heredoc_body');
    if (!mark) return;
    const isQuoted = HEREDOC_QUOTES.some((quote) => textOf(mark, this.script).text.includes(quote));
    streams.stdin = body ? heredocText(body, this.context, isQuoted) : Tracked.empty;
    for (const child of node.children) if (child.type === 'file_redirect') this.fileRedirect(child, streams);
  }

  private fileRedirect(node: SyntaxNode, streams: Streams): void {
    const sign = node.children.find((child) => !child.named)?.type;
    const descriptor = node.children.find((child) => child.type === 'file_descriptor');
    const destination = node.children.find((child) => child.field === 'destination');
    if (!destination || (descriptor && textOf(descriptor, this.script).text !== '1')) return;
    const path = expandText(destination, this.context);
    if (sign === '>' || sign === '>|' || sign === '>>') streams.output = { path, append: sign === '>>' };
    if (sign === '<') streams.stdin = this.readInput(path);
  }

  private readInput(path: Tracked): Tracked | null {
    const found = this.state.files.read(path.text, this.state.cwd);
    return 'content' in found ? found.content : null;
  }

  private pipeline(node: SyntaxNode): Truth {
    for (const child of node.children) if (child.named) this.statement(child, NO_STREAMS);
    return null;
  }

  private list(node: SyntaxNode): Truth {
    const [left, right] = node.children.filter((child) => child.named);
    const isAnd = node.children.some((child) => child.type === '&&');
    if (!left) return null;
    const first = this.statement(left, NO_STREAMS);
    if (!right || first === !isAnd) return first;
    if (first === null && !isEffect(left)) return this.perhaps(right, isAnd);
    return isAnd ? and(first, this.statement(right, NO_STREAMS)) : this.after(right, first);
  }

  /** What follows `||` after a command that is expected to work: it runs only where that failed. */
  private after(right: SyntaxNode, first: Truth): Truth {
    if (first === false) return or(first, this.statement(right, NO_STREAMS));
    return this.perhaps(right, false);
  }

  /** A statement that may or may not run. */
  private perhaps(node: SyntaxNode, isAnd: boolean): Truth {
    let truth: Truth = null;
    const taken = this.branch((branch) => (truth = branch.statement(node, NO_STREAMS)), true);
    mergeBranches(this.state, [taken, this.state.copy()]);
    return isAnd ? and(null, truth) : or(null, truth);
  }

  private ifStatement(node: SyntaxNode): Truth {
    const branches: ShellState[] = [];
    for (const clause of clausesOf(node)) {
      const truth = this.sequence(clause.condition);
      if (truth === false) continue;
      if (truth === true && branches.length === 0) return this.sequence(clause.body);
      branches.push(this.branch((branch) => void branch.sequence(clause.body), true));
      if (truth === true) return this.merge(branches);
    }
    return this.merge([...branches, this.state.copy()]);
  }

  private merge(branches: readonly ShellState[]): Truth {
    mergeBranches(this.state, branches);
    return null;
  }

  private forStatement(node: SyntaxNode): Truth {
    const variable = node.children.find((child) => child.field === 'variable');
    const values = node.children.filter((child) => child.field === 'value').flatMap((child) => this.loopWords(child));
    const body = node.children.find((child) => child.field === 'body');
    if (!variable || !body) return null;
    const name = textOf(variable, this.script).text;
    for (const value of values.slice(0, MAX_LOOP_ROUNDS)) {
      this.state.set(name, value);
      this.statement(body, NO_STREAMS);
    }
    return null;
  }

  private loopWords(node: SyntaxNode): Tracked[] {
    if (node.type !== 'brace_expression') return expandWords(node, this.context);
    const [from, to] = node.children
      .filter((child) => child.named)
      .map((child) => Number(textOf(child, this.script).text));
    if (from === undefined || to === undefined || !Number.isSafeInteger(from) || !Number.isSafeInteger(to)) return [];
    const rounds = Math.min(MAX_LOOP_ROUNDS, Math.abs(to - from) + 1);
    return Array.from({ length: rounds }, (_, i) => Tracked.made(String(from + Math.sign(to - from) * i)));
  }

  private whileStatement(node: SyntaxNode): Truth {
    const condition = this.sequence(node.children.filter((child) => child.field === 'condition'));
    return condition === false ? null : this.body(node);
  }

  private body(node: SyntaxNode): Truth {
    const body = node.children.find((child) => child.field === 'body');
    if (body) this.statement(body, NO_STREAMS);
    return null;
  }

  private caseStatement(node: SyntaxNode): Truth {
    const subject = node.children.find((child) => child.field === 'value');
    const value = subject ? expandText(subject, this.context) : Tracked.empty;
    const branches: ShellState[] = [];
    for (const item of node.children.filter((child) => child.type === 'case_item')) {
      const match = caseMatches(item, value, this.script);
      if (match === false) continue;
      const statements = item.children.filter((child) => child.field !== 'value' && child.named);
      if (match === true && branches.length === 0) return this.sequence(statements);
      branches.push(this.branch((branch) => void branch.sequence(statements), true));
      if (match === true) return this.merge(branches);
    }
    return this.merge([...branches, this.state.copy()]);
  }

  private subshell(node: SyntaxNode): Truth {
    let truth: Truth = null;
    this.branch((branch) => (truth = branch.all(node)), false);
    return truth;
  }

  private defineFunction(node: SyntaxNode): Truth {
    const name = node.children.find((child) => child.field === 'name');
    const body = node.children.find((child) => child.field === 'body');
    if (name && body) this.state.functions.set(textOf(name, this.script).text, { script: this.script, body });
    return true;
  }
}

const HEREDOC_QUOTES = ["'", '"', '\\'];
const NOT_WORDS: ReadonlySet<string> = new Set(['file_redirect', 'heredoc_redirect', 'comment']);
const isWord = (node: SyntaxNode): boolean => node.named && !NOT_WORDS.has(node.type);
const negate = (truth: Truth): Truth => (truth === null ? null : !truth);

/** Statements whose success is expected, so that what follows `&&` is taken to run. */
const isEffect = (node: SyntaxNode): boolean => node.type !== 'test_command' && node.type !== 'negated_command';
