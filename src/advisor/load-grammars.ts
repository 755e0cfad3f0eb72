import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Grammars } from '../launch/grammars.js';
import { createGrammars } from '../launch/grammars.js';

const { resolve } = createRequire(import.meta.url);

/** The parsers for shell scripts and Python sources, from the packages that they come in. Takes tens of milliseconds. */
export async function loadGrammars(): Promise<Grammars> {
  return createGrammars(
    {
      runtime: readFileSync(resolve('web-tree-sitter/web-tree-sitter.wasm')),
      bash: readFileSync(resolve('tree-sitter-bash/tree-sitter-bash.wasm')),
      python: readFileSync(resolve('tree-sitter-python/tree-sitter-python.wasm')),
    },
    { now: () => performance.now() },
  );
}
