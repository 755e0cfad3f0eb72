import type { Interval, TimelinePoint } from '../../memory/estimate.js';

const GIB = 1024 ** 3;
const EIGHTHS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const;
const LABEL_WIDTH = 7;

/** The highest allocated bytes under each column, with the phase it falls into. */
function columnsOf(
  points: readonly TimelinePoint[],
  width: number,
): { bytes: number; phase: string; iteration: number }[] {
  return Array.from({ length: Math.min(width, points.length) }, (_, column) => {
    const count = Math.min(width, points.length);
    const from = Math.floor((points.length * column) / count);
    const to = Math.max(from + 1, Math.floor((points.length * (column + 1)) / count));
    const slice = points.slice(from, to);
    const [first] = slice;
    const bytes = slice.reduce((most, point) => Math.max(most, point.allocatedBytes), 0);
    return { bytes, phase: first?.phase ?? '', iteration: first?.iteration ?? 0 };
  });
}

function cell(bytes: number, floor: number, step: number): string {
  const filled = Math.round(((bytes - floor) / step) * 8);
  return EIGHTHS[Math.max(0, Math.min(8, filled))] ?? ' ';
}

/** Names short enough to stand under a few columns. */
const SHORT: Readonly<Record<string, readonly string[]>> = {
  forward: ['forward', 'fwd', 'f'],
  backward: ['backward', 'bwd', 'b'],
  'zero-grad': ['zero'],
  model: ['model', 'm'],
  step: ['step', 's'],
};

const nameThatFits = (phase: string, room: number): string =>
  (SHORT[phase] ?? [phase]).find((name) => name.length < room || (name.length === 1 && room === 1)) ?? '';

/** Names of the phases under the columns in which they begin; a name that has no room is left out. */
function phaseLine(columns: readonly { phase: string; iteration: number }[]): string {
  let line = '';
  let start = 0;
  columns.forEach(({ phase, iteration }, index) => {
    const next = columns[index + 1];
    if (next?.phase === phase && next.iteration === iteration) return;
    line = line.padEnd(start) + nameThatFits(phase, index + 1 - start);
    start = index + 1;
  });
  return line;
}

function iterationLine(columns: readonly { iteration: number }[]): string {
  let line = '';
  columns.forEach(({ iteration }, index) => {
    if (iteration !== columns[index - 1]?.iteration && iteration > 0 && line.length <= index)
      line = `${line.padEnd(index)}│ iteration ${iteration} `;
  });
  return line.trimEnd();
}

const axis = (bytes: number): string => (bytes / GIB).toFixed(1).padStart(LABEL_WIDTH - 2) + ' ┤';

/**
 * Allocated memory over the iterations as a chart of text, in GiB: `height` lines, phases named underneath.
 * Empty where the estimate has no timeline.
 */
export function memoryChart(points: readonly TimelinePoint[], size: { columns: number; height: number }): string {
  const columns = columnsOf(points, Math.max(20, size.columns - LABEL_WIDTH));
  const top = columns.reduce((most, { bytes }) => Math.max(most, bytes), 0);
  if (top === 0) return '';
  const step = top / size.height;
  const lines = Array.from({ length: size.height }, (_, row) => {
    const floor = top - (row + 1) * step;
    return axis(floor + step) + columns.map(({ bytes }) => cell(bytes, floor, step)).join('');
  });
  const under = [phaseLine(columns), iterationLine(columns)].map((line) => ' '.repeat(LABEL_WIDTH) + line);
  return [...lines, ...under].map((line) => line.trimEnd()).join('\n');
}

const BAR_WIDTH = 24;

/** A bar for a share of a whole. */
export function bar(share: number): string {
  const eighths = Math.round(Math.max(0, Math.min(1, share)) * BAR_WIDTH * 8);
  const rest = EIGHTHS_ACROSS[eighths % 8] ?? '';
  return '█'.repeat(Math.floor(eighths / 8)) + rest;
}

const EIGHTHS_ACROSS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'] as const;

/** Width of an interval relative to its expected value: `±2 %`. */
export function relativeWidth({ low, expected, high }: Interval): string {
  const half = expected === 0 ? 0 : ((high - low) / 2 / expected) * 100;
  return `±${half < 1 ? half.toFixed(1) : half.toFixed(0)} %`;
}
