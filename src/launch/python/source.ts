import type { Grammars, SyntaxNode } from '../grammars.js';
import type { Tracked } from '../text/tracked.js';

/** A call in a Python source. */
export interface PythonCall {
  /** As written, with dots: `torch.optim.AdamW`, `model.from_pretrained`. */
  name: string;
  /** The last part of the name. */
  last: string;
  /** The name that its result is assigned to: `teacher` in `teacher = Model.from_pretrained(...).eval()`. */
  target: string | null;
  positional: readonly SyntaxNode[];
  keywords: ReadonlyMap<string, SyntaxNode>;
}

/** A Python source read as syntax: nothing of it is executed. */
export interface PythonSource {
  text: Tracked;
  /** In the order of the source. */
  calls: readonly PythonCall[];
  /** Expressions that names stand for: assignments, defaults of parameters and of fields. The first one stays. */
  names: ReadonlyMap<string, SyntaxNode>;
  /** Names that imports bring in, with where each comes from: `resnet50` from `torchvision.models`. */
  imports: ReadonlyMap<string, string>;
}

const MAX_CALLS = 5_000;
const MAX_NAME_CHARS = 200;
/** Calls on the results of calls. */
const MAX_CHAIN = 20;

/** Reads a source, or says why it cannot be read. */
export function readPython(text: Tracked, grammars: Grammars): PythonSource | { refused: string } {
  const parsed = grammars.python(text.masked('x'));
  if ('refused' in parsed) return parsed;
  const reader = new SourceReader(text);
  reader.walk(parsed.root);
  return { text, calls: reader.calls, names: reader.names, imports: reader.imports };
}

class SourceReader {
  readonly calls: PythonCall[] = [];
  readonly names = new Map<string, SyntaxNode>();
  readonly imports = new Map<string, string>();

  /** What calls are assigned to, by the call; of a chain all calls of it. */
  private readonly targets = new Map<SyntaxNode, string>();

  constructor(private readonly text: Tracked) {}

  /** Every node, parents first; the depth of the tree is bounded by the grammar. */
  walk(root: SyntaxNode): void {
    const open: SyntaxNode[] = [root];
    for (let node = open.pop(); node; node = open.pop()) {
      this.visit(node);
      for (let i = node.children.length - 1; i >= 0; i--) open.push(node.children[i] as SyntaxNode);
    }
  }

  private visit(node: SyntaxNode): void {
    if (node.type === 'call') this.addCall(node);
    else if (node.type === 'assignment') this.addName(field(node, 'left'), field(node, 'right'));
    else if (node.type.endsWith('default_parameter')) this.addName(field(node, 'name'), field(node, 'value'));
    else if (node.type === 'import_from_statement') this.addImports(node);
  }

  private addCall(node: SyntaxNode): void {
    const name = dottedName(field(node, 'function'), this.text);
    const list = field(node, 'arguments');
    if (name === null || !list || this.calls.length >= MAX_CALLS) return;
    const given = list.children.filter((child) => child.named && child.type !== 'comment');
    const keywords = given.filter((child) => child.type === 'keyword_argument').flatMap((child) => this.keyword(child));
    const positional = given.filter((child) => child.type !== 'keyword_argument');
    const target = this.targets.get(node) ?? null;
    this.calls.push({ name, last: lastPart(name), target, positional, keywords: new Map(keywords) });
  }

  private keyword(node: SyntaxNode): [string, SyntaxNode][] {
    const [name, value] = [field(node, 'name'), field(node, 'value')];
    return name && value ? [[this.textOf(name), value]] : [];
  }

  private addName(left: SyntaxNode | undefined, right: SyntaxNode | undefined): void {
    const name = left && dottedName(left, this.text);
    if (name && right && !this.names.has(name)) this.names.set(name, right);
    if (name) this.noteTarget(name, right);
  }

  private noteTarget(name: string, right: SyntaxNode | undefined): void {
    let call = right;
    for (let depth = 0; call?.type === 'call' && depth < MAX_CHAIN; depth++) {
      this.targets.set(call, name);
      const called = field(call, 'function');
      call = called && field(called, 'object');
    }
  }

  private addImports(node: SyntaxNode): void {
    const module = field(node, 'module_name');
    if (!module) return;
    for (const child of node.children.filter((part) => part.field === 'name')) {
      const [name, alias] =
        child.type === 'aliased_import' ? [field(child, 'name'), field(child, 'alias')] : [child, child];
      if (name && alias) this.imports.set(this.textOf(alias), `${this.textOf(module)}.${this.textOf(name)}`);
    }
  }

  private textOf(node: SyntaxNode): string {
    return this.text.text.slice(node.start, Math.min(node.end, node.start + MAX_NAME_CHARS));
  }
}

const field = (node: SyntaxNode, name: string): SyntaxNode | undefined =>
  node.children.find((child) => child.field === name);
const lastPart = (name: string): string => name.slice(name.lastIndexOf('.') + 1);

/** `a.b.c` of names and attributes; of a call on something else the part after it (`.train` of `f().train`). */
export function dottedName(node: SyntaxNode | undefined, text: Tracked): string | null {
  if (!node) return null;
  if (node.type === 'identifier') return text.text.slice(node.start, Math.min(node.end, node.start + MAX_NAME_CHARS));
  if (node.type !== 'attribute') return null;
  const attribute = field(node, 'attribute');
  const object = dottedName(field(node, 'object'), text);
  if (!attribute) return null;
  return `${object ?? ''}.${text.text.slice(attribute.start, Math.min(attribute.end, attribute.start + MAX_NAME_CHARS))}`;
}
