import { readCommandLine } from '../options/command-line.js';
import type { Option } from '../options/option.js';
import { asText, Options } from '../options/option.js';
import type { Invocation } from '../programs/invocation.js';
import type { PythonScope } from './evaluate.js';
import { evaluate } from './evaluate.js';
import type { PythonCall, PythonSource } from './source.js';

/** What names of a source stand for in one invocation. */
export function scopeOf(source: PythonSource, invocation: Invocation): PythonScope {
  const bare = { source, flags: new Options(), env: invocation.env };
  const declared = source.calls.filter(({ last }) => last === 'add_argument').map((call) => argumentOf(call, bare));
  const switches = new Set(declared.filter(({ isSwitch }) => isSwitch).map(({ name }) => name.replaceAll('-', '_')));
  const given = readCommandLine(invocation.args, { switches, short: shortNames(declared) }).options;
  const defaults = new Options(declared.flatMap(({ option }) => option ?? []));
  return { ...bare, flags: given.over(defaults) };
}

interface Declared {
  name: string;
  short: string | null;
  isSwitch: boolean;
  /** Its default. */
  option: Option | null;
}

/** `parser.add_argument("-b", "--batch-size", type=int, default=32)`. */
function argumentOf(call: PythonCall, scope: PythonScope): Declared {
  const names = call.positional.flatMap((node) => asText(evaluate('', node, scope)) ?? []);
  const long = names.find((name) => name.startsWith('--'))?.slice(2) ?? names[0] ?? '';
  const short = names.find((name) => name.startsWith('-') && !name.startsWith('--'))?.slice(1) ?? null;
  const name = asText(evaluate('', call.keywords.get('dest'), scope)) ?? long;
  const isSwitch = asText(evaluate('', call.keywords.get('action'), scope))?.startsWith('store_') ?? false;
  const node = call.keywords.get('default');
  return { name, short, isSwitch, option: node ? evaluate(name, node, scope) : null };
}

const shortNames = (declared: readonly Declared[]): Record<string, string> =>
  Object.fromEntries(declared.flatMap(({ short, name }) => (short ? [[short, name]] : [])));

/** The keywords of a call as options; positional arguments have their number for a name. */
export function optionsOfCall(call: PythonCall, scope: PythonScope): Options {
  const keywords = [...call.keywords].map(([name, node]) => evaluate(name, node, scope));
  const positional = call.positional.slice(0, 20).map((node, i) => evaluate(String(i), node, scope));
  return new Options([...positional, ...keywords]);
}
