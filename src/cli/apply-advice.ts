import type { Advice, Assessment, Patch } from '../fit/assessment.js';
import { memberPath } from '../workload/json-path.js';
import type { DocumentChange, TextEdit } from '../workload/documents/text-edits.js';
import { edited } from '../workload/documents/text-edits.js';
import type { AssessedManifest, AssessSet } from './assess-all.js';
import { CliError } from './cli-error.js';
import { readManifests } from './input/manifests.js';
import type { GivenFile, ManifestInput, ManifestSet } from './input/manifests.js';

/** Which piece of advice to apply: the number that the table shows, and the workload where several are advised. */
export interface Choice {
  workload: string | null;
  number: number;
}

/** Reads `--apply N` or `--apply NAME:N`. Throws CliError. */
export function parseChoice(text: string): Choice {
  const found = /^(?:(.+):)?([1-9]\d{0,2})$/.exec(text);
  if (found === null) throw new CliError(`--apply ${text} is not understood`, 'write --apply N or --apply NAME:N');
  return { workload: found[1] ?? null, number: Number(found[2]) };
}

const nameOf = ({ assessment: { workload } }: AssessedManifest): string => workload.name ?? '';

function chosen(
  assessed: readonly AssessedManifest[],
  { workload, number }: Choice,
): { of: AssessedManifest; advice: Advice } {
  const advised = assessed.filter(({ assessment }) => assessment.advice.length > 0);
  const named = workload === null ? advised : advised.filter((each) => nameOf(each) === workload);
  const [of, ...others] = named;
  if (of === undefined) throw new CliError('there is no advice to apply', 'plimsoll advise without --apply shows it');
  if (others.length > 0)
    throw new CliError(`${named.length} workloads are advised`, `say which: --apply ${nameOf(of)}:${number}`);
  const advice = of.assessment.advice[number - 1];
  if (advice === undefined)
    throw new CliError(`there are ${of.assessment.advice.length} pieces of advice`, 'count them from 1');
  return { of, advice };
}

function changeOf(patch: Patch, path: string): DocumentChange {
  const { how, span, from, to, value } = patch;
  if (how === 'rename') return { kind: 'rename', path, to };
  if (how === 'add') return { kind: 'add', path, value: value ?? null };
  if (how === 'insert') return { kind: 'insert', path, items: Array.isArray(value) ? value : [] };
  return { kind: 'replace', path, span, from, to };
}

const CONFIGMAP = /^configmap\/([^/]+)\/(.+)$/s;

/** The manifest that a patch is of, and its path there. */
function target(patch: Patch, input: ManifestInput, set: ManifestSet): { input: ManifestInput; path: string } {
  const file = CONFIGMAP.exec(patch.document);
  if (file === null) return { input, path: patch.path };
  const [, name = '', key = ''] = file;
  const configMap = set.find('ConfigMap', name, input.manifest);
  if (configMap === undefined) throw new CliError(`ConfigMap ${name} is not among the files`, null);
  return { input: configMap, path: memberPath('data', key) };
}

/** The files that an advice changes, with the change made. Throws CliError where it cannot be made in the text. */
export function withAdvice(
  advice: Pick<Advice, 'summary' | 'changes'>,
  input: ManifestInput,
  set: ManifestSet,
): GivenFile[] {
  const unpatched = advice.changes.find(({ patches }) => patches.length === 0);
  if (advice.changes.length === 0 || unpatched !== undefined)
    throw new CliError(
      `this advice has to be written by hand: ${unpatched?.write ?? advice.summary}`,
      'what it changes does not stand where Plimsoll could write it for sure',
    );
  const edits = new Map<GivenFile, TextEdit[]>();
  for (const patch of advice.changes.flatMap(({ patches }) => patches)) {
    const { input: of, path } = target(patch, input, set);
    const edit = of.edit(changeOf(patch, path));
    if (typeof edit === 'string') throw new CliError(`this advice cannot be written into the text: ${edit}`, null);
    edits.set(of.file, [...(edits.get(of.file) ?? []), edit]);
  }
  return [...edits].map(([file, made]) => ({ name: file.name, text: edited(file.text, made) }));
}

/** What of a promise does not hold for the changed manifest, in words; null where all does. */
export function brokenPromise(advice: Advice, after: Assessment | undefined): string | null {
  if (after === undefined) return 'it is no workload any more';
  if (after.verdict !== advice.verdict) return `its verdict is ${after.verdict}, not ${advice.verdict}`;
  const { fingerprint } = advice;
  const isSame = fingerprint !== null && after.runs.some((run) => run.training && run.fingerprint === fingerprint);
  return isSame ? null : 'what is read is not the run that was promised';
}

/**
 * The files that the chosen advice changes, with comments and layout as they were. The changed manifest is read and
 * assessed again: where it is not the promised run, nothing is given and CliError thrown.
 */
export function applyAdvice(
  assessed: readonly AssessedManifest[],
  choice: Choice,
  { set, assess }: { set: ManifestSet; assess: AssessSet },
): readonly GivenFile[] {
  const { of, advice } = chosen(assessed, choice);
  const changed = withAdvice(advice, of.input, set);
  const texts = new Map(set.files.map((file) => [file.name, file]));
  for (const file of changed) texts.set(file.name, file);
  const again = assess(readManifests([...texts.values()]));
  const after = again.assessed.find(({ source }) => source === of.source)?.assessment;
  const broken = brokenPromise(advice, after);
  if (broken !== null)
    throw new CliError(`this advice cannot be applied by itself: ${broken}`, `write it by hand: ${advice.summary}`);
  return changed;
}
