import { RUN_FIELDS, settingAt } from '../../run/fields.js';
import type { SourcePlace } from '../../run/setting.js';
import type { Written } from '../../run/program-options.js';
import type { RunField, TrainingRun } from '../../run/training-run.js';
import type { PodSet } from '../../workload/workload.js';
import type { Change, Patch } from '../assessment.js';
import { additionOf, affinityPatches, resourcePatches } from './additions.js';
import type { Trained } from './additions.js';
import { choosesDevices, isRunEdit } from './edits.js';
import { spokenAt } from './place.js';
import type { Documents, Spoken } from './place.js';
import { needsNoWord, writtenFor } from './program-flags.js';
import type { Told } from './program-flags.js';
import type { Edit, Subject } from './proposal.js';

type RunEdit = Extract<Edit, { field: RunField }>;

/** A value in one line: `8`, `full`, `224×224`. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return value.join('×');
  if (value !== null && typeof value === 'object') return JSON.stringify(value);
  return value === '' ? 'default' : String(value);
}

/** Where a change is written. A declaration only tells of the run: to change it there changes nothing. */
function placeOf(run: TrainingRun, field: RunField): SourcePlace | null {
  const { evidence } = settingAt(run, field);
  return evidence.kind === 'read' || evidence.kind === 'derived' ? (evidence.place ?? null) : null;
}

const isField = (name: string): name is RunField => (RUN_FIELDS as readonly string[]).includes(name);

/** The settings that were read and that a derived one is a share of: steps become more where the batch becomes smaller. */
function sourcesOf(run: TrainingRun, field: RunField): RunField[] {
  const { evidence } = settingAt(run, field);
  if (evidence.kind !== 'derived' || field === 'gradientAccumulationSteps') return [];
  return evidence.from.filter(isField).filter((name) => settingAt(run, name).evidence.kind === 'read');
}

/** The number to write where the text holds a multiple of the value (a batch per node, per job); null where it is none. */
function scaledNumber(text: string, before: unknown, after: unknown): string | null {
  if (typeof before !== 'number' || typeof after !== 'number' || !/^\d{1,9}$/.test(text)) return null;
  const scaled = (Number(text) * after) / before;
  return Number.isInteger(scaled) ? String(scaled) : null;
}

const nameOf = (introduction: string): string => introduction.trim().replace(/\s*[:=]$/, '');

/** The value in the words of the text that it replaces; null where these are not known. */
function replacement(spoken: Spoken, edit: RunEdit, told: Told): string | null {
  const number = scaledNumber(spoken.text, settingAt(told.run, edit.field).value, edit.value);
  if (number !== null) return number;
  if (edit.field === 'allocator') return String(edit.value);
  const written = writtenFor(told, edit.field, edit.value);
  if (written === null || written.option.replace(/^-+/, '') !== nameOf(spoken.introduction).replace(/^-+/, ''))
    return null;
  return /^(True|False)$/.test(spoken.text) && written.value === 'true' ? 'True' : written.value;
}

interface Worded {
  write: string;
  patches: readonly Patch[];
}

/** In the person's own words, where the value was read. */
function inOwnWords(edit: RunEdit, field: RunField, told: Told, documents: Documents): Worded | null {
  const place = placeOf(told.run, field);
  const spoken = place === null ? null : spokenAt(place, documents);
  const to = spoken === null ? null : replacement(spoken, edit, told);
  if (spoken === null || to === null) return null;
  const introduction = spoken.introduction === '' ? `${field} ` : spoken.introduction;
  return { write: `${introduction}${to} (was ${spoken.text})`, patches: [spoken.patch(to)] };
}

const SEPARATORS: Readonly<Record<Written['style'], string>> = {
  argument: ' ',
  joined: '=',
  key: ': ',
  override: '=',
  environment: '=',
};

/** How one's own PyTorch code says it; null where a field has no usual form. */
const IN_CODE: Readonly<Partial<Record<RunField, (value: unknown) => string | null>>> = {
  microBatchSize: (value) => `batches of ${shown(value)} in the data loader`,
  gradientAccumulationSteps: (value) => `${shown(value)} accumulation steps in the training loop`,
  activationCheckpointing: () => 'activation checkpointing in the code (model.gradient_checkpointing_enable())',
  'optimizer.implementation': (value) =>
    value === 'fused' ? 'fused=True for the optimizer in the code' : 'the 8-bit optimizer of bitsandbytes in the code',
  'peft.method': () => 'LoRA adapters in the code (peft.get_peft_model)',
  'peft.rank': (value) => `of rank ${shown(value)}`,
  quantization: () => 'the base model loaded in 4 bits (BitsAndBytesConfig)',
  'parallelism.sharding': (value) => `the model sharded in the code (${shown(value)})`,
  attention: (value) => `attention ${shown(value)} in the code`,
  loss: () => 'a fused loss in the code (liger-kernel)',
};

const inCode = (field: RunField, value: unknown): string =>
  IN_CODE[field]?.(value) ?? `${field} ${shown(value)} in the training code`;

/** Whether the value was read of a place that another tool fills in: an option beside it would say it a second time. */
function standsElsewhere(field: RunField, { run }: Told, documents: Documents): boolean {
  const place = placeOf(run, field);
  return place !== null && spokenAt(place, documents) === null;
}

/** As the program's option, or as the field where nothing better is known. */
function inProgramsWords({ field, value }: RunEdit, told: Told & Trained, documents: Documents): Worded {
  const written = writtenFor(told, field, value);
  if (written === null) return { write: inCode(field, value), patches: [] };
  const separator = written.value === '' ? '' : SEPARATORS[written.style];
  const prefix = written.style === 'environment' ? 'env ' : '';
  const patch = standsElsewhere(field, told, documents) ? null : additionOf(written, told, documents);
  const write = `${prefix}${written.option}${separator}${written.value}`;
  return { write, patches: patch === null ? [] : [patch] };
}

/** What to write for the pods of one run. */
function wordedFor(edit: RunEdit, told: Told & Trained, documents: Documents): Worded {
  const fields = [edit.field, ...sourcesOf(told.run, edit.field)];
  const own = fields.map((field) => inOwnWords(edit, field, told, documents));
  return own.find((words) => words !== null) ?? inProgramsWords(edit, told, documents);
}

const distinct = (patches: readonly Patch[]): Patch[] => [
  ...new Map(patches.map((patch) => [JSON.stringify(patch), patch])).values(),
];

function runChange(edit: RunEdit, edits: readonly Edit[], subject: Subject, documents: Documents): Change | null {
  const { run } = subject;
  const { value: before, range } = settingAt(run, edit.field);
  const isSame = range === undefined && shown(before) === shown(edit.value);
  if (isSame || needsNoWord(edit, { ...subject, edits })) return null;
  const worded = subject.runs.map((each) => wordedFor(edit, { ...each, options: subject.options, edits }, documents));
  // Pods that would go on with the old value make another run of it: all are patched, or none.
  const patches = worded.every((each) => each.patches.length > 0) ? worded.flatMap((each) => each.patches) : [];
  const write = worded[0]?.write ?? '';
  return { field: edit.field, from: shown(before), to: shown(edit.value), write, patches: distinct(patches) };
}

function requestPatches(podSet: PodSet, to: string, documents: Documents): Patch[] {
  const [request] = podSet.devices;
  return (request?.places ?? []).flatMap((path) => {
    const spoken = spokenAt({ document: 'manifest', path, text: String(request?.count ?? '') }, documents);
    return spoken === null ? [] : [spoken.patch(to)];
  });
}

function countChange(to: number, { podSets }: Subject, documents: Documents): Change {
  const [request] = podSets[0]?.devices ?? [];
  const [resource, count] = [request?.resource ?? '', request?.count ?? 0];
  const patches = podSets.flatMap((podSet) => requestPatches(podSet, String(to), documents));
  const write = `${resource}: ${to} (was ${count})`;
  return { field: 'request.devices', from: String(count), to: String(to), write, patches };
}

/** What chose devices before and must go when another choice is written. */
function instead({ podSets }: Subject): string {
  const [podSet] = podSets;
  return podSet !== undefined && choosesDevices(podSet.placement)
    ? ', in place of what selects nodes by device now'
    : '';
}

function requestChange(edit: Exclude<Edit, RunEdit>, subject: Subject, documents: Documents): Change {
  if (edit.field === 'request.devices') return countChange(edit.value, subject, documents);
  const [request] = subject.podSets[0]?.devices ?? [];
  const [from, count] = [request?.resource ?? '', request?.count ?? 1];
  if (edit.field === 'request.resource') {
    const write = `${edit.value}: ${count} (was ${from})${instead(subject)}`;
    return { field: edit.field, from, to: edit.value, write, patches: resourcePatches(subject.podSets, edit.value) };
  }
  const { key, values } = edit.value;
  const write = `nodeAffinity ${key} In [${values.join(', ')}]${instead(subject)}`;
  const patches = affinityPatches(subject.podSets, edit.value, documents);
  return { field: edit.field, from: 'any', to: values.join(', '), write, patches };
}

/** What to write for each edit of a proposal, with patches where the old value was read from a place that can be patched. */
export function changesOf(edits: readonly Edit[], subject: Subject, documents: Documents): Change[] {
  return edits.flatMap((edit) => {
    if (!isRunEdit(edit)) return [requestChange(edit, subject, documents)];
    return runChange(edit, edits, subject, documents) ?? [];
  });
}
