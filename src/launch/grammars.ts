import { Language, Parser } from 'web-tree-sitter';
import type { TreeCursor } from 'web-tree-sitter';

/** The WebAssembly files, as bytes: `web-tree-sitter.wasm`, `tree-sitter-bash.wasm`, `tree-sitter-python.wasm`. */
export interface GrammarFiles {
  runtime: Uint8Array;
  bash: Uint8Array;
  python: Uint8Array;
}

export interface GrammarOptions {
  /** Milliseconds of any steady clock; with it a parse also ends after `budgetMs`. */
  now?: () => number;
  /** Time for one parse; default 50. */
  budgetMs?: number;
}

/** A syntax tree as plain data. Offsets are UTF-16 code units, as in JavaScript strings. */
export interface SyntaxNode {
  type: string;
  start: number;
  end: number;
  /** The field of the parent that holds this node, such as `body` or `value`. */
  field: string | null;
  named: boolean;
  children: readonly SyntaxNode[];
}

/** Why a text was not parsed. */
export type ParseRefusal = 'too large' | 'too deeply nested' | 'took too long';
export type ParseResult = { root: SyntaxNode } | { refused: ParseRefusal };

/** Parsers for shell scripts and Python sources: synchronous, bounded in size, depth and time; nothing is executed. */
export interface Grammars {
  bash(text: string): ParseResult;
  python(text: string): ParseResult;
}

export const MAX_SOURCE_CHARS = 262_144;
/** Real scripts nest brackets a dozen deep; error recovery on hundreds of unclosed ones costs seconds. */
const MAX_BRACKET_DEPTH = 150;
const MAX_TREE_DEPTH = 400;
const MAX_NODES = 200_000;
/** The runtime reports progress about once in forty characters; far more means that it thrashes. */
const MAX_PROGRESS_CALLS = 20_000;

/**
 * Loads the grammars once; every later parse is synchronous.
 * @throws Error from the WebAssembly runtime where the bytes are not the expected files
 */
export async function createGrammars(files: GrammarFiles, options: GrammarOptions = {}): Promise<Grammars> {
  await Parser.init({ wasmBinary: files.runtime } as Parameters<typeof Parser.init>[0]);
  const bash = parserOf(await Language.load(files.bash));
  const python = parserOf(await Language.load(files.python));
  return {
    bash: (text) => parse(bash, text, options),
    python: (text) => parse(python, text, options),
  };
}

function parserOf(language: Language): Parser {
  const parser = new Parser();
  parser.setLanguage(language);
  return parser;
}

function parse(parser: Parser, text: string, options: GrammarOptions): ParseResult {
  if (text.length > MAX_SOURCE_CHARS) return { refused: 'too large' };
  if (bracketDepth(text) > MAX_BRACKET_DEPTH) return { refused: 'too deeply nested' };
  // The callback's result stops the parse where it is true; the published type leaves that out.
  const progressCallback = progressGuard(options) as unknown as () => void;
  const tree = parser.parse(text, null, { progressCallback });
  if (tree === null) {
    parser.reset();
    return { refused: 'took too long' };
  }
  const cursor = tree.walk();
  try {
    return plainTree(cursor);
  } finally {
    cursor.delete();
    tree.delete();
  }
}

/** A callback that is true once the budget of one parse is used up. */
function progressGuard(options: GrammarOptions): () => boolean {
  const { now, budgetMs = 50 } = options;
  const endMs = now ? now() + budgetMs : Infinity;
  let calls = 0;
  return () => ++calls > MAX_PROGRESS_CALLS || (now !== undefined && now() > endMs);
}

const OPENING = new Set(['(', '[', '{']);
const CLOSING = new Set([')', ']', '}']);

/** The most brackets that are open at once, whatever their kind and whether or not they stand in quotes. */
function bracketDepth(text: string): number {
  let depth = 0;
  let most = 0;
  for (const character of text) {
    if (OPENING.has(character)) most = Math.max(most, ++depth);
    else if (CLOSING.has(character)) depth = Math.max(0, depth - 1);
  }
  return most;
}

type MutableNode = SyntaxNode & { children: SyntaxNode[] };

const nodeAt = (cursor: TreeCursor): MutableNode => ({
  type: cursor.nodeType,
  start: cursor.startIndex,
  end: cursor.endIndex,
  field: cursor.currentFieldName,
  named: cursor.nodeIsNamed,
  children: [],
});

/** Copies the tree out of WebAssembly memory: reading plain objects is many times faster than asking the runtime. */
function plainTree(cursor: TreeCursor): ParseResult {
  const root = nodeAt(cursor);
  const ancestors: MutableNode[] = [root];
  let nodes = 1;
  let goesDown = cursor.gotoFirstChild();
  while (ancestors.length > 0) {
    if (goesDown) {
      if (++nodes > MAX_NODES) return { refused: 'too large' };
      if (ancestors.length > MAX_TREE_DEPTH) return { refused: 'too deeply nested' };
      const node = nodeAt(cursor);
      ancestors.at(-1)?.children.push(node);
      if (cursor.gotoFirstChild()) {
        ancestors.push(node);
        continue;
      }
    }
    goesDown = cursor.gotoNextSibling();
    if (goesDown) continue;
    ancestors.pop();
    if (ancestors.length > 0) cursor.gotoParent();
  }
  return { root };
}
