import type { CommandLineSyntax } from '../../options/command-line.js';
import { readCommandLine } from '../../options/command-line.js';
import { asText, Options } from '../../options/option.js';
import { readStructured } from '../../options/structured.js';
import type { ProgramContext } from '../program.js';

/** HfArgumentParser: no positionals, a flag takes every word up to the next; bools are bare or take a value. */
const HF_SYNTAX: CommandLineSyntax = { values: 'all' };

/** The options of a program on HfArgumentParser: flags, or one configuration file instead of them, or `--config` beside. */
export function hfOptions(context: ProgramContext): Options {
  const { args } = context.invocation;
  const line = readCommandLine(args, HF_SYNTAX);
  const [only, ...others] = line.positionals;
  const isFile = only?.isResolved && isConfigName(only.text) && others.length === 0;
  const path = asText(line.options.find('config')) ?? (isFile ? only.text : undefined);
  return path === undefined ? withNegations(line.options) : withNegations(line.options).over(configFile(path, context));
}

const isConfigName = (path: string): boolean => ['.json', '.yaml', '.yml'].some((ending) => path.endsWith(ending));

/** The settings of a configuration file, or none with a note that says where the file is. */
export function configFile(path: string, { files, invocation, draft }: ProgramContext): Options {
  const found = files.read(path, invocation.cwd);
  const parsed = 'content' in found ? readStructured(found.content) : { problem: found.missing };
  if ('options' in parsed) return parsed.options;
  draft.note('content' in found ? `${path} ${parsed.problem}` : `configuration ${parsed.problem}`);
  return new Options();
}

/** `--no_x` turns off a bool whose default is true. */
function withNegations(options: Options): Options {
  const negated = options
    .all()
    .filter((option) => (option.name.startsWith('no_') || option.name.startsWith('no-')) && option.value === true)
    .map((option) => ({ ...option, name: option.name.slice(3), value: false }));
  return new Options([...negated, ...options.all()]);
}
