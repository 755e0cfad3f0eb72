import type { AlongsideView } from '../alongside.js';
import type { Grammars } from '../grammars.js';
import type { LaunchSays } from '../launchers/launcher.js';
import type { ProgramOptions } from '../../run/program-options.js';
import type { RunDraft } from '../run-draft.js';
import type { Versions } from '../versions.js';
import type { Invocation } from './invocation.js';
import type { TrainingStep } from './steps.js';

/** What a program's reader works on. It writes what it finds into `draft`. */
export interface ProgramContext {
  /** null: no program is recognised, only a declaration says what is trained. */
  program: TrainingProgram | null;
  invocation: Invocation;
  draft: RunDraft;
  versions: Versions;
  files: AlongsideView;
  grammars: Grammars;
  /** What launchers say; a program that starts processes itself adds to it. */
  says: LaunchSays;
  /** Names of the launchers around the program, the outermost first. */
  launchers: readonly string[];
  /** GPUs that each pod asks for; null where another tool fills that in. */
  devicesPerPod: number | null;
}

/**
 * How surely a program is recognised: by a name that only it has, by its script's name, by flags that only it has, or
 * by names that everybody uses.
 */
export type Recognition = 'name' | 'script' | 'flags' | 'guess';

/** One training program: how it is recognised and what its flags, keys and environment mean for the run. */
export interface TrainingProgram {
  id: string;
  /** For people. */
  name: string;
  /** What its training step does around the model; null where that is not known, as of a script of somebody's own. */
  step: TrainingStep | null;
  /** Packages that it always loads. */
  builtOn: readonly string[];
  /** How it is told what the manifest does not say yet; null where nothing is known to say it. */
  options: ProgramOptions | null;
  recognise(invocation: Invocation): Recognition | null;
  read(context: ProgramContext): void;
}

/**
 * Puts the program and its main framework into the run. `guess`: why the program itself is not known, only words that
 * others use too; it may train less than they say, so nothing is turned away for it.
 */
export function nameProgram(
  context: ProgramContext,
  program: { name: string; package: string; framework?: string; guess?: string; step?: TrainingStep },
): void {
  const { draft, versions, invocation } = context;
  const value = { id: context.program?.id ?? null, name: program.name, version: versions.get(program.package) };
  sayStep(context, program);
  if (program.guess === undefined) draft.read('program', value, invocation.written.place());
  else draft.assume('program', value, program.guess);
  const framework = { name: program.framework ?? 'pytorch', packages: packagesOf(context) };
  const place = versions.place('torch') ?? versions.place(program.package);
  if (place) draft.read('framework', framework, place);
  else draft.derive('framework', framework, ['program'], 'the framework that the program is written for');
}

/** What a program always loads, of whatever version, and what the manifest names. */
function packagesOf({ program, versions }: ProgramContext): Record<string, string> {
  const builtOn = (program?.builtOn ?? []).map((name): [string, string] => [name, UNKNOWN_VERSION]);
  return { ...Object.fromEntries(builtOn), ...versions.packages() };
}

const UNKNOWN_VERSION = 'unknown';

function sayStep({ draft, program }: ProgramContext, { step, name: of }: { step?: TrainingStep; name: string }): void {
  for (const [member, value] of Object.entries(step ?? program?.step ?? {}))
    draft.default(`trainingStep.${member as keyof TrainingStep}`, value, { of });
}

/** A field whose default changed: the version's own where it is known, else the newest with the range of the others. */
export function versionedDefault<T>(
  context: ProgramContext,
  field: Parameters<RunDraft['default']>[0],
  found: { value: T; others: readonly T[]; of: string },
): void {
  const { draft, versions } = context;
  const { value, others, of } = found;
  const [other] = others;
  if (other === undefined) draft.default(field, value, { of, version: versions.get(of) });
  else
    draft.assume(field, value, `default of recent versions of ${of}; its version is not known here`, {
      low: value,
      high: other,
    });
}
