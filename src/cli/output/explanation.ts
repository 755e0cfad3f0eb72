import type { AssessedRun, Assessment } from '../../fit/assessment.js';
import { gib } from '../../fit/words.js';
import { RUN_FIELDS, settingAt } from '../../run/fields.js';
import type { Evidence, SourcePlace } from '../../run/setting.js';
import type { AssessedInput } from '../assess-all.js';
import {
  adviceBlock,
  deviceTable,
  interval,
  noteLines,
  observedBlock,
  unknownBlock,
  workloadName,
} from './assessments.js';
import { bar, memoryChart, relativeWidth } from './memory-chart.js';
import { table } from './tables.js';
import { hanging, painted, painter } from './terminal.js';
import type { Terminal } from './terminal.js';

type AssessedEstimate = Assessment['estimates'][number];

const CHART_HEIGHT = 10;
const LONGEST_QUOTE = 60;
const MOST_CONTRIBUTORS = 5;

const quoted = (text: string): string => {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > LONGEST_QUOTE ? `${line.slice(0, LONGEST_QUOTE - 1)}…` : line;
};

/** The path from the container on: what stands before it is the same for all. */
const shortPath = (path: string): string =>
  path.replace(/^.*\.(?=(?:containers|initContainers)\[)/, '').replace(/^metadata\.annotations\["(.*)"\]$/, '$1');

function placeWords({ document, path, text }: SourcePlace): string {
  const where = [document === 'manifest' ? '' : document, shortPath(path)].filter((part) => part !== '').join(' ');
  return `${where}: ${quoted(text)}`;
}

/** Where a value came from, in one line. */
export function evidenceWords(evidence: Evidence): string {
  switch (evidence.kind) {
    case 'declared':
      return `declared: ${placeWords(evidence.place)}`;
    case 'read':
      return `read: ${placeWords(evidence.place)}`;
    case 'default':
      return `default of ${evidence.of}${evidence.version === null ? '' : ` ${evidence.version}`}${evidence.note === undefined ? '' : `: ${evidence.note}`}`;
    case 'assumed':
      return `assumed: ${evidence.reason}`;
    case 'derived':
      return evidence.rule === '' ? `from ${evidence.from.join(', ')}` : evidence.rule;
  }
}

function valueWords(value: unknown): string {
  if (value === null || value === undefined) return '–';
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.join(', ');
  if (typeof value === 'object') return objectWords({ ...value });
  if (typeof value === 'string') return value === '' ? 'default' : value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : JSON.stringify(value);
}

/** A model or program by its name; other objects as JSON. */
function objectWords(value: Record<string, unknown>): string {
  const { name, version } = value;
  if (typeof name !== 'string') return JSON.stringify(value);
  return typeof version === 'string' ? `${name} ${version}` : name;
}

/** Settings that are only there because every field is: not in use, and nobody said anything of them. */
const isIdle = (evidence: Evidence): boolean => evidence.kind === 'default' && /^not in use/.test(evidence.note ?? '');

/** Settings that mean nothing to a model that is not trained. */
const OF_TRAINING =
  /^(?:optimizer\.|gradient|globalBatchSize|prefetchedBatches|activationCheckpointing|trainingStep\.)/;

function settingRows(settings: NonNullable<AssessedRun['settings']>): string[][] {
  const isTrained = settings.activity.value === 'train';
  return RUN_FIELDS.flatMap((field) => {
    const { value, evidence, range } = settingAt(settings, field);
    if (isIdle(evidence) || (!isTrained && OF_TRAINING.test(field))) return [];
    const considered =
      range === undefined ? '' : ` (considered: ${valueWords(range.low)} to ${valueWords(range.high)})`;
    return [[field, valueWords(value), `${evidenceWords(evidence)}${considered}`]];
  });
}

function settingsTable({ settings, podSet, role }: AssessedRun, terminal: Terminal): string {
  if (settings === null) return '';
  const rows = settingRows(settings);
  const fieldWidth = Math.max(...rows.map(([field = '']) => field.length)) + 2;
  const valueWidth = Math.min(34, Math.max(...rows.map(([, value = '']) => value.length))) + 2;
  const columns = [
    { title: 'setting', width: fieldWidth },
    { title: 'value', width: valueWidth },
    { title: 'where it came from', width: Math.max(30, terminal.columns - fieldWidth - valueWidth - 4) },
  ];
  const title = role === 'model' ? `Settings of ${podSet}` : `Settings of ${podSet} (${role})`;
  return `${title}\n${table(columns, rows)}`;
}

function breakdownTable({ breakdown, deviceBytes }: AssessedEstimate): string {
  const rows = [...breakdown]
    .filter(({ bytes }) => bytes > 0)
    .sort((a, b) => b.bytes - a.bytes)
    .map(({ category, bytes }) => {
      const share = bytes / deviceBytes.expected;
      return [category, gib(bytes), `${(share * 100).toFixed(0)} %`, bar(share)];
    });
  return table(
    [{ title: 'at the peak' }, { title: 'bytes', align: 'right' }, { title: 'share', align: 'right' }, { title: '' }],
    rows,
  );
}

const figures = ({ allocatedBytes, reservedBytes, deviceBytes, minimumCapacityBytes }: AssessedEstimate): string =>
  table(
    [{ title: 'figure' }, { title: 'GPU memory' }, { title: '' }, { title: 'what shows it' }],
    [
      ['allocated', interval(allocatedBytes), relativeWidth(allocatedBytes), 'torch.cuda.max_memory_allocated()'],
      ['reserved', interval(reservedBytes), relativeWidth(reservedBytes), 'torch.cuda.max_memory_reserved()'],
      ['device', interval(deviceBytes), relativeWidth(deviceBytes), 'nvidia-smi, DCGM_FI_DEV_FB_USED'],
      [
        'least that survives',
        interval(minimumCapacityBytes),
        relativeWidth(minimumCapacityBytes),
        'held against capacity',
      ],
    ],
  );

/** Who is at work when, where several runs share the device. */
function turnsTable({ turns = [] }: AssessedEstimate): string {
  if (turns.length === 0) return '';
  const largest = Math.max(...turns.map(({ totalBytes }) => totalBytes));
  const rows = turns.map(({ role, workingBytes, heldBytes, totalBytes }) => [
    role,
    gib(workingBytes),
    gib(heldBytes),
    gib(totalBytes),
    totalBytes === largest ? 'the most' : '',
  ]);
  const columns = ['at work', 'takes', 'beside what all hold', 'together', ''];
  return table(
    columns.map((title, at) => (at > 0 && at < 4 ? { title, align: 'right' as const } : { title })),
    rows,
  );
}

function contributorLines({ contributors }: AssessedEstimate, terminal: Terminal): string {
  const lines = contributors.slice(0, MOST_CONTRIBUTORS).map(({ name, widthBytes, remedy }) => {
    const words = `${name}: ${gib(widthBytes)}${remedy === null ? '' : ` (${remedy})`}`;
    return hanging('  - ', words, terminal.columns);
  });
  return lines.length === 0 ? '' : ['What the interval is made of, the widest first:', ...lines].join('\n');
}

const millions = (count: number): string => `${(count / 1e6).toFixed(1)} M`;

/** One process on one device: figures, breakdown at the peak, memory over the iterations. */
export function estimateText(estimate: AssessedEstimate, terminal: Terminal): string {
  const { bold } = painter(terminal);
  const { peak, parameters, podSet, role, device } = estimate;
  const who = role === 'model' ? podSet : `${podSet} (${role})`;
  const title = bold(
    estimate.turns === undefined ? `One process of ${who} on ${device}` : `All runs of ${podSet} on one ${device}`,
  );
  const parts = [
    `${title}\n${millions(parameters.total)} parameters, ${millions(parameters.trainable)} of them trained`,
    figures(estimate),
    turnsTable(estimate),
    `Peak: ${peak.phase} of iteration ${peak.iteration}, at ${peak.operation}\n${breakdownTable(estimate)}`,
    chart(estimate, terminal),
    contributorLines(estimate, terminal),
    estimate.notes.map((note) => hanging('  note: ', note, terminal.columns)).join('\n'),
  ];
  return parts.filter((part) => part !== '').join('\n\n');
}

function chart({ timeline }: AssessedEstimate, terminal: Terminal): string {
  const drawn = memoryChart(timeline, { columns: terminal.columns, height: CHART_HEIGHT });
  return drawn === '' ? '' : `Allocated memory over the iterations, GiB\n${drawn}`;
}

/**
 * The estimate on the device that decided: of several device models the largest one that the pods may be given; of several
 * runs on a device that of all together.
 */
function shownEstimates({ estimates, fit }: Assessment): AssessedEstimate[] {
  const seen = new Set<string>();
  const order = fit.flatMap(({ classes }) => classes.map(({ deviceClass }) => deviceClass));
  const isShared = new Set(estimates.filter(({ turns }) => turns !== undefined).map(({ podSet }) => podSet));
  const rank = (device: string): number => order.findIndex((name) => name.startsWith(device));
  return estimates
    .filter(({ podSet, turns }) => !isShared.has(podSet) || turns !== undefined)
    .sort((a, b) => rank(a.device) - rank(b.device))
    .filter(({ podSet, role }) => !seen.has(`${podSet}|${role}`) && seen.add(`${podSet}|${role}`));
}

/** Where every number of one assessment came from. */
export function explanationText({ assessment, source }: AssessedInput, terminal: Terminal): string {
  const { bold, dim } = painter(terminal);
  const title = `${bold(workloadName(assessment))}: ${painted(assessment.verdict, terminal)} ${dim(`(${source})`)}`;
  const parts = [
    `${title}\n${hanging('  ', assessment.reason, terminal.columns)}`,
    ...assessment.runs.map((run) => settingsTable(run, terminal)),
    unknownBlock(assessment, terminal),
    ...shownEstimates(assessment).map((estimate) => estimateText(estimate, terminal)),
    ...new Set(assessment.fit.filter(({ classes }) => classes.length > 0).map((fit) => deviceTable(fit, terminal))),
    observedBlock(assessment, terminal),
    adviceBlock(assessment, terminal),
    noteLines(assessment, terminal),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}
