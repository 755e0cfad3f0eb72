import { RUN_FIELDS, settingAt } from '../../run/fields.js';
import type { Written } from '../../run/program-options.js';
import type { SourcePlace } from '../../run/setting.js';
import type { RunField, TrainingRun } from '../../run/training-run.js';
import { memberPath } from '../../workload/json-path.js';
import type { Json, PodSet } from '../../workload/workload.js';
import type { Patch, PodSetFit } from '../assessment.js';
import { choosesDevices } from './edits.js';
import { scalarAt, spokenAt, valueAt } from './place.js';
import type { Documents, Spoken } from './place.js';

/** A run with the pods that train with it. */
export interface Trained {
  podSet: PodSet;
  run: TrainingRun;
}

/** What a launcher is told, not the program, and the word that starts it: nothing is written beside these. */
const OF_THE_LAUNCHER: ReadonlySet<RunField> = new Set<RunField>([
  'program',
  'worldSize',
  'nodes',
  'processesPerNode',
  'framework',
  'allocator',
  'parallelism.data',
  'parallelism.shardSize',
  'parallelism.sharding',
]);

const LIST_ITEM = /^(.*\.(?:args|command))\[(\d+)\]$/s;

interface Anchor {
  place: SourcePlace;
  spoken: Spoken;
  whole: string;
}

/** Values that the program was told in words: beside one of these it can be told another. */
function anchorsOf(run: TrainingRun, documents: Documents): Anchor[] {
  return RUN_FIELDS.filter((field) => !OF_THE_LAUNCHER.has(field)).flatMap((field) => {
    const { evidence } = settingAt(run, field);
    if (evidence.kind !== 'read') return [];
    const { place } = evidence;
    const spoken = spokenAt(place, documents);
    const whole = scalarAt(documents, place.document, place.path);
    return spoken === null || whole === undefined ? [] : [{ place, spoken, whole }];
  });
}

const unquoted = (text: string): string => text.replace(/^"(.*)"$/s, '$1');

/** An option as the items of a list of words. */
function asItems({ option, value, style }: Written): string[] {
  // An option that takes `key=value` is a word of its own.
  if (style !== 'argument')
    return `${option}=`.split(' ').map((word) => (word.endsWith('=') ? word + unquoted(value) : word));
  return value === '' ? [option] : [option, unquoted(value)];
}

/** An option as it stands in a line of shell. */
function inShell({ option, value, style }: Written): string {
  if (style !== 'argument') return ` ${option}=${value}`;
  return value === '' ? ` ${option}` : ` ${option} ${value}`;
}

const speaksAlike = (written: Written, { introduction }: Spoken): boolean =>
  written.style === 'override' ? /^[\w.]+=$/.test(introduction) : introduction.startsWith('-');

function besideItem({ place, whole }: Anchor, written: Written): Patch | null {
  const item = LIST_ITEM.exec(place.path);
  if (item === null || /\s/.test(whole)) return null;
  const [items, index] = [asItems(written), Number(item[2]) + 1];
  const path = `${item[1]}[${index}]`;
  return { document: place.document, path, how: 'insert', from: '', to: items.join(' '), value: items };
}

/** After a word of a line: what follows must be the end of the word, not the rest of a quoted one. */
function besideWord({ place, whole }: Anchor, written: Written): Patch | null {
  const end = place.span?.end;
  if (end === undefined || !/^(\s|$)/.test(whole.slice(end, end + 1))) return null;
  const to = inShell(written);
  return { document: place.document, path: place.path, span: { start: end, end }, from: '', to };
}

/** On a line of its own after a line of the same file that is not indented. */
function besideKey({ place, whole }: Anchor, { option, value }: Written): Patch | null {
  const { span } = place;
  if (span === undefined || !place.document.startsWith('configmap/')) return null;
  const begins = whole.lastIndexOf('\n', span.start - 1) + 1;
  if (!/^[A-Za-z_]/.test(whole.slice(begins)) || option.includes('.')) return null;
  const newline = whole.indexOf('\n', span.end);
  const end = newline === -1 ? whole.length : newline;
  return {
    document: place.document,
    path: place.path,
    span: { start: end, end },
    from: '',
    to: `\n${option}: ${value}`,
  };
}

/** Whether a text has the option already: said twice, one of the two counts, and which one depends on the program. */
function says(text: string, { option, style }: Written): boolean {
  const name = option.split(' ').at(-1)!.replace(/[.+]/g, '\\$&');
  const end = style === 'key' ? '\\s*:' : '(?![\\w.-])';
  return new RegExp(`(?:^|[\\s"'\\[,])${name}${end}`, 'm').test(text);
}

function besideWords(written: Written, told: Trained, documents: Documents): Patch | null {
  const anchors = anchorsOf(told.run, documents);
  if (isSaid(written, anchors, told, documents)) return null;
  for (const anchor of anchors) {
    const isAlike = written.style === 'key' || speaksAlike(written, anchor.spoken);
    const patch = !isAlike
      ? null
      : written.style === 'key'
        ? besideKey(anchor, written)
        : (besideItem(anchor, written) ?? besideWord(anchor, written));
    if (patch !== null) return patch;
  }
  return null;
}

function isSaid(written: Written, anchors: readonly Anchor[], { podSet }: Trained, { manifest }: Documents): boolean {
  const words = podSet.containers.map(({ path }) => JSON.stringify(valueAt(manifest, path) ?? null));
  return [...words, ...anchors.map(({ whole }) => whole)].some((text) => says(text, written));
}

/** A variable in the container that is given the devices; processes that other pods start have the environment of those. */
function inEnvironment({ option, value }: Written, { podSet }: Trained, { manifest }: Documents): Patch | null {
  const container = podSet.containers.find(({ devices, init }) => devices.length > 0 && !init);
  if (container === undefined || podSet.launch.startedBy !== null) return null;
  // The container of a runtime that the manifest names is shared by all that name it.
  if (valueAt(manifest, container.path) === undefined) return null;
  const path = `${container.path}.env`;
  const env = valueAt(manifest, path);
  const entry = { name: option, value };
  const to = `${option}=${value}`;
  if (env === undefined) return { document: 'manifest', path, how: 'add', from: '', to, value: [entry] };
  if (!Array.isArray(env) || env.length === 0) return null;
  return { document: 'manifest', path: `${path}[${env.length}]`, how: 'insert', from: '', to, value: [entry] };
}

/** The patch by which a program is told what it was not told yet; null where no place is sure to be its own. */
export function additionOf(written: Written, told: Trained, documents: Documents): Patch | null {
  // Words without a dash have their place after all options, where nothing says that one may be put.
  if (written.style === 'argument' && !written.option.startsWith('-')) return null;
  return written.style === 'environment'
    ? inEnvironment(written, told, documents)
    : besideWords(written, told, documents);
}

type Affinity = NonNullable<PodSetFit['affinity']>;

const REQUIRED = 'requiredDuringSchedulingIgnoredDuringExecution';

/** Adds a requirement to each term that there is, or the first term. */
function requirement(podSet: PodSet, affinity: Affinity, { manifest }: Documents): Patch[] | null {
  if (valueAt(manifest, podSet.path) === undefined) return null;
  const expression = { key: affinity.key, operator: affinity.operator, values: [...affinity.values] };
  const base = { document: 'manifest', from: '', to: `${affinity.key} In [${affinity.values.join(', ')}]` };
  const terms = { nodeSelectorTerms: [{ matchExpressions: [expression] }] };
  const members: [string, Json][] = [
    [`${podSet.path}.affinity`, { nodeAffinity: { [REQUIRED]: terms } }],
    [`${podSet.path}.affinity.nodeAffinity`, { [REQUIRED]: terms }],
    [`${podSet.path}.affinity.nodeAffinity.${REQUIRED}`, terms],
  ];
  const missing = members.find(([path]) => valueAt(manifest, path) === undefined);
  if (missing !== undefined) return [{ ...base, path: missing[0], how: 'add', value: missing[1] }];
  const path = `${podSet.path}.affinity.nodeAffinity.${REQUIRED}.nodeSelectorTerms`;
  const present = valueAt(manifest, path);
  if (!Array.isArray(present) || present.length === 0) return null;
  return present.map((_, index): Patch => {
    const list = `${path}[${index}].matchExpressions`;
    const expressions = valueAt(manifest, list);
    return Array.isArray(expressions) && expressions.length > 0
      ? { ...base, path: `${list}[${expressions.length}]`, how: 'insert', value: [expression] }
      : { ...base, path: list, how: 'add', value: [expression] };
  });
}

/** A node selector that names one value of the same label is changed where it stands. */
function selection({ path, placement }: PodSet, { key, values }: Affinity): Patch[] | null {
  const [value, ...others] = values;
  const from = placement.nodeSelector[key];
  const { [key]: _chosen, ...nodeSelector } = placement.nodeSelector;
  const isOnly = !choosesDevices({ ...placement, nodeSelector });
  if (value === undefined || others.length > 0 || from === undefined || !isOnly) return null;
  const selector = memberPath(`${path}.nodeSelector`, key);
  return [{ document: 'manifest', path: selector, span: { start: 0, end: from.length }, from, to: value }];
}

/** The patches that keep the pods on devices; none where another choice of devices would have to be taken out. */
export function affinityPatches(podSets: readonly PodSet[], affinity: Affinity, documents: Documents): Patch[] {
  const patches = podSets.map((podSet) =>
    choosesDevices(podSet.placement) ? selection(podSet, affinity) : requirement(podSet, affinity, documents),
  );
  return patches.every((patch) => patch !== null) ? patches.flat() : [];
}

/** The patches that ask for another resource, where it stands as a key. */
export function resourcePatches(podSets: readonly PodSet[], to: string): Patch[] {
  if (podSets.some(({ placement }) => choosesDevices(placement))) return [];
  const requests = podSets.flatMap(({ devices }) => devices.slice(0, 1));
  if (requests.some(({ places, resource }) => !places.every((path) => path.endsWith(`[${JSON.stringify(resource)}]`))))
    return [];
  return requests.flatMap(({ places, resource }) =>
    places.map((path): Patch => ({ document: 'manifest', path, how: 'rename', from: resource, to })),
  );
}
