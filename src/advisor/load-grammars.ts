import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Grammars } from '../launch/grammars.js';
import { createGrammars } from '../launch/grammars.js';

const { resolve } = createRequire(import.meta.url);

/** Milliseconds for one script. A hostile one costs this much; a real one takes a few. */
const PARSE_BUDGET_MS = 250;

/** The parsers for shell scripts and Python sources, from the packages that they come in, compiled and warm. */
export async function loadGrammars(): Promise<Grammars> {
  const files = {
    runtime: readFileSync(resolve('web-tree-sitter/web-tree-sitter.wasm')),
    bash: readFileSync(resolve('tree-sitter-bash/tree-sitter-bash.wasm')),
    python: readFileSync(resolve('tree-sitter-python/tree-sitter-python.wasm')),
  };
  const grammars = await createGrammars(files, { now: () => performance.now(), budgetMs: PARSE_BUDGET_MS });
  grammars.bash('true "$x" && echo $(date)\n');
  grammars.python('import sys\nprint(sys.argv)\n');
  return grammars;
}
