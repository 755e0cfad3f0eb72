import type { AccuracyAnswer } from '../../api/schemas/observation.js';
import { table } from './tables.js';

type Row = AccuracyAnswer['items'][number];
type Learned = AccuracyAnswer['learned'][number];

const COLUMNS = [
  { title: 'cluster' },
  { title: 'program' },
  { title: 'torch' },
  { title: 'runs', align: 'right' },
  { title: 'median error', align: 'right' },
  { title: 'off by', align: 'right' },
  { title: 'in interval', align: 'right' },
  { title: 'too low', align: 'right' },
  { title: 'out of memory', align: 'right' },
] as const;

const percent = (share: number | null, signed = false): string => {
  if (share === null) return '–';
  const text = `${(share * 100).toFixed(1)} %`;
  return signed && share > 0 ? `+${text}` : text;
};

function cells(row: Row): string[] {
  const { programVersion: version } = row;
  return [
    row.cluster,
    `${row.program ?? row.framework}${version === null ? '' : ` ${version}`}`,
    row.torch ?? '–',
    String(row.runs),
    percent(row.medianError, true),
    percent(row.medianAbsoluteError),
    percent(row.withinInterval),
    percent(row.under),
    row.outOfMemory === 0 ? '0' : `${row.outOfMemory} (${row.outOfMemoryUnforeseen} unforeseen)`,
  ];
}

const mib = (bytes: number): string => (bytes / 2 ** 20).toFixed(0);

function learnedLine({ torch, cuda, deviceClass, bytes, runs }: Learned): string {
  const stack = `PyTorch ${torch}${cuda === null ? '' : ` with CUDA ${cuda}`}`;
  return `  ${stack} on ${deviceClass}: ${mib(bytes.expected)} MiB (${mib(bytes.low)}–${mib(bytes.high)}), from ${runs} runs`;
}

/** Accuracy as people read it. */
export function accuracyText({ items, learned }: AccuracyAnswer): string {
  if (items.length === 0) return 'No run that was estimated has been seen to its end yet.\n';
  const context = learned.length === 0 ? [] : ['', 'Learned CUDA contexts:', ...learned.map(learnedLine)];
  return `${[table(COLUMNS, items.map(cells)), ...context].join('\n')}\n`;
}
