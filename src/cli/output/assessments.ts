import type { Advice, Assessment, DeviceClassFit, Occupant, PodSetFit } from '../../fit/assessment.js';
import { agoOf, observedWords } from '../../fit/observed-words.js';
import { gib } from '../../fit/words.js';
import type { Interval } from '../../memory/estimate.js';
import type { AssessedInput } from '../assess-all.js';
import { table } from './tables.js';
import { hanging, painted, painter } from './terminal.js';
import type { Terminal } from './terminal.js';

const inGib = (bytes: number): string => (bytes / 1024 ** 3).toFixed(1);

/** `71.2 GiB (68.0–75.9)` */
export function interval(bytes: Interval): string {
  const isPoint = inGib(bytes.low) === inGib(bytes.high);
  return `${gib(bytes.expected)}${isPoint ? '' : ` (${inGib(bytes.low)}–${inGib(bytes.high)})`}`;
}

/** `Job team-a/train` */
export function workloadName({ workload }: Assessment): string {
  const { kind, namespace, name } = workload;
  return `${kind} ${namespace === null ? '' : `${namespace}/`}${name ?? '(generated name)'}`;
}

/** One line for each workload: verdict and reason. */
export function summary(assessed: readonly AssessedInput[], terminal: Terminal): string {
  const rows = assessed.map(({ assessment }) => ({
    name: workloadName(assessment),
    cells: [painted(assessment.verdict, terminal), assessment.reason],
  }));
  const nameWidth = Math.min(44, Math.max(8, ...rows.map(({ name }) => name.length))) + 2;
  const columns = [
    { title: 'workload', width: nameWidth },
    { title: 'verdict', width: 15 },
    { title: 'why', width: Math.max(30, terminal.columns - nameWidth - 15 - 4) },
  ];
  return table(
    columns,
    rows.map(({ name, cells }) => [name, ...cells]),
  );
}

function classRow(row: DeviceClassFit, terminal: Terminal): string[] {
  const { smallest, largest } = row.capacityBytes;
  const capacity = inGib(smallest) === inGib(largest) ? gib(smallest) : `${inGib(smallest)}–${gib(largest)}`;
  const known = row.verdict !== 'unknown';
  return [
    row.deviceClass,
    capacity,
    known ? interval(row.requiredBytes) : '–',
    painted(row.verdict, terminal),
    String(row.nodes),
    `${row.podsNow} of ${row.podsEver}`,
  ];
}

const CLASS_COLUMNS = [
  { title: 'device' },
  { title: 'capacity', align: 'right' },
  { title: 'needs' },
  { title: 'verdict' },
  { title: 'nodes', align: 'right' },
  { title: 'pods now', align: 'right' },
] as const;

/** What each device class makes of the pod set, and what holds the memory that is missing now. */
export function deviceTable(fit: PodSetFit, terminal: Terminal): string {
  const rows = table(
    CLASS_COLUMNS,
    fit.classes.map((row) => classRow(row, terminal)),
  );
  const held = fit.classes.flatMap(({ occupants = [] }) => occupants.map(occupantLine));
  return held.length === 0 ? rows : [rows, 'Held now:', ...held.map((line) => `  ${line}`)].join('\n');
}

/** `60.1 GiB of GPU 3 of gpu-node-2: by team/train-0` */
function occupantLine({ node, device, usedBytes, pods, outside }: Occupant): string {
  const nobody = outside ? 'by a process outside Kubernetes' : 'the exporter does not say by whom';
  return `${gib(usedBytes)} of ${device} of ${node}: ${pods.length > 0 ? `by ${pods.join(', ')}` : nobody}`;
}

function adviceText(advice: Advice, number: number, terminal: Terminal): string {
  const { dim } = painter(terminal);
  const lead = `  ${number}. `;
  const lines = [hanging(lead, advice.summary, terminal.columns)];
  for (const cost of advice.costs) lines.push(dim(hanging('     gives up: ', cost, terminal.columns)));
  return lines.join('\n');
}

/** Numbered advice under a heading; empty where there is none. */
export function adviceBlock({ advice, verdict }: Assessment, terminal: Terminal): string {
  if (advice.length === 0) return '';
  const heading = verdict === 'fits' ? 'What would do as well:' : 'What would help, the least first:';
  return [heading, ...advice.map((each, index) => adviceText(each, index + 1, terminal))].join('\n');
}

/** What is not known, with the line that would settle it. */
export function unknownBlock({ runs }: Assessment, terminal: Terminal): string {
  const all = runs.flatMap((run) => run.unknown);
  const unknowns = all.filter(({ field }, index) => all.findIndex((other) => other.field === field) === index);
  if (unknowns.length === 0) return '';
  const declares = unknowns.flatMap(({ declare }) => declare ?? []);
  const lines = unknowns.map(({ field, reason }) => hanging('  - ', `${field}: ${reason}`, terminal.columns));
  const remedy = declares.length === 0 ? [] : [`  Say it by annotation: plimsoll.dev/run: "${declares[0]}"`];
  return ['Not known:', ...lines, ...remedy].join('\n');
}

/** What earlier runs of the same settings used, those first on which the verdict rests. */
export function observedBlock({ observed = [], assessedAtMs }: Assessment, terminal: Terminal): string {
  const lines = observed.map((one) => {
    const runs = one.runs === 1 ? '' : `${one.runs} runs, the last `;
    const aside = one.decides || one.standing === 'so-far' ? '' : '; told only: the settings leave something open';
    return hanging('  - ', `${observedWords(one)}: ${runs}${agoOf(one.atMs, assessedAtMs)}${aside}`, terminal.columns);
  });
  return lines.length === 0 ? '' : ['Seen before, on the same settings:', ...lines].join('\n');
}

/** Notes of reading, each once. */
export function noteLines({ notes = [], runs }: Assessment, terminal: Terminal): string {
  const all = [...new Set([...notes, ...runs.flatMap((run) => run.notes)])];
  return all.map((note) => hanging('  note: ', note, terminal.columns)).join('\n');
}

const joined = (parts: readonly string[], by = '\n\n'): string => parts.filter((part) => part !== '').join(by);

/** One workload at full length. */
function single({ assessment }: AssessedInput, terminal: Terminal): string {
  const { bold } = painter(terminal);
  const title = `${bold(workloadName(assessment))}: ${painted(assessment.verdict, terminal)}`;
  const tables = assessment.fit.filter(({ classes }) => classes.length > 0).map((fit) => deviceTable(fit, terminal));
  return joined([
    joined([title, hanging('  ', assessment.reason, terminal.columns)], '\n'),
    ...new Set(tables),
    observedBlock(assessment, terminal),
    unknownBlock(assessment, terminal),
    adviceBlock(assessment, terminal),
    noteLines(assessment, terminal),
  ]);
}

function adviceSection({ assessment }: AssessedInput, terminal: Terminal): string {
  const { bold } = painter(terminal);
  const block = joined([unknownBlock(assessment, terminal), adviceBlock(assessment, terminal)], '\n');
  return block === '' ? '' : `${bold(workloadName(assessment))}\n${block}`;
}

/** Assessments as people read them: one in full, of several a line each and the advice below. */
export function assessmentsText(assessed: readonly AssessedInput[], terminal: Terminal): string {
  const [first] = assessed;
  if (assessed.length === 1 && first !== undefined) return `${single(first, terminal)}\n`;
  const sections = assessed.map((each) => adviceSection(each, terminal));
  return `${joined([summary(assessed, terminal), ...sections])}\n`;
}
