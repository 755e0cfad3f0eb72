import { baseName, endOfName } from '../text/characters.js';
import type { Tracked } from '../text/tracked.js';

/** Commands that run another command: how many words of theirs stand before it. */
interface Prefix {
  /** Flags that take the next word as their value. */
  valued: readonly string[];
  /** Words without a dash that belong to the prefix itself, such as the duration of `timeout`. */
  operands: number;
  /** Whether `NAME=value` words may follow, as after `env`. */
  assignments?: boolean;
}

const PREFIXES: Readonly<Record<string, Prefix>> = {
  exec: { valued: ['-a'], operands: 0 },
  command: { valued: [], operands: 0 },
  builtin: { valued: [], operands: 0 },
  env: { valued: ['-u', '--unset', '-C', '--chdir'], operands: 0, assignments: true },
  nohup: { valued: [], operands: 0 },
  setsid: { valued: [], operands: 0 },
  sudo: { valued: ['-u', '-g', '-h'], operands: 0, assignments: true },
  gosu: { valued: [], operands: 1 },
  time: { valued: ['-f', '-o'], operands: 0 },
  timeout: { valued: ['-s', '--signal', '-k', '--kill-after'], operands: 1 },
  nice: { valued: ['-n', '--adjustment'], operands: 0 },
  ionice: { valued: ['-c', '-n'], operands: 0 },
  stdbuf: { valued: ['-i', '-o', '-e'], operands: 0 },
  taskset: { valued: [], operands: 1 },
  numactl: { valued: ['-N', '-m', '-C', '-i', '-p'], operands: 0 },
  tini: { valued: [], operands: 0 },
  'dumb-init': { valued: [], operands: 0 },
  catchsegv: { valued: [], operands: 0 },
  uv: { valued: ['--with', '--project', '--python', '-p', '--extra'], operands: 1 },
  poetry: { valued: [], operands: 1 },
  pipenv: { valued: [], operands: 1 },
  conda: { valued: ['-n', '--name', '-p', '--prefix'], operands: 1 },
  micromamba: { valued: ['-n', '--name', '-p', '--prefix'], operands: 1 },
};

/** Package runners are prefixes only with this word after them (`uv run`, `conda run`). */
const RUNNERS: ReadonlySet<string> = new Set(['uv', 'poetry', 'pipenv', 'conda', 'micromamba']);

export interface Stripped {
  words: readonly Tracked[];
  /** `NAME=value` words of `env`. */
  assignments: readonly Tracked[];
}

const MAX_PREFIXES = 8;

/** Takes off commands such as `exec`, `env A=1`, `nohup`, `timeout 1h`: what they run comes first. */
export function stripPrefixes(words: readonly Tracked[]): Stripped {
  let rest = words;
  const assignments: Tracked[] = [];
  for (let i = 0; i < MAX_PREFIXES; i++) {
    const prefix = prefixOf(rest);
    if (!prefix) break;
    const taken = ownWords(rest, prefix);
    assignments.push(...rest.slice(1, taken).filter((word) => prefix.assignments && isAssignment(word)));
    rest = rest.slice(taken);
  }
  return { words: rest, assignments };
}

function prefixOf(words: readonly Tracked[]): Prefix | null {
  const name = baseName(words[0]?.text ?? '');
  if (!Object.hasOwn(PREFIXES, name)) return null;
  if (RUNNERS.has(name) && words[1]?.text !== 'run') return null;
  return PREFIXES[name] ?? null;
}

function ownWords(words: readonly Tracked[], prefix: Prefix): number {
  let at = 1;
  let operands = prefix.operands;
  while (at < words.length) {
    const word = words[at] as Tracked;
    if (word.text === '--') return at + 1;
    if (word.text.startsWith('-')) at += prefix.valued.includes(word.text) ? 2 : 1;
    else if (prefix.assignments && isAssignment(word)) at++;
    else if (operands-- > 0) at++;
    else break;
  }
  return Math.min(at, words.length);
}

/** `NAME=value`. */
export function isAssignment(word: Tracked): boolean {
  const end = endOfName(word.text, 0);
  return end > 0 && word.text.charAt(end) === '=';
}
