import type { FamilyFigures } from './figures.js';
import type { Card } from './predict.js';
import { inGib, sizeWords } from './words.js';

const WIDTH = 640;
const HEIGHT = 360;
const LEFT = 56;
const RIGHT = 120;
const TOP = 24;
const BOTTOM = 44;
const GIB = 1024 ** 3;

/** Told apart without colour, too: by their dashes. */
const LINES = [
  { stroke: '#0b6e99', dash: '' },
  { stroke: '#b5521b', dash: '6 3' },
  { stroke: '#4c7a34', dash: '2 3' },
] as const;

const text = (x: number, y: number, words: string, attributes = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${words}</text>`;

/** Memory over the batch, a line for each size of the input, with the cards as levels. */
export function drawingOf({ family, curves }: FamilyFigures, cards: readonly Card[]): string {
  const all = curves.flatMap(({ bytes }) => bytes.flatMap((one) => (one === null ? [] : [one])));
  const most = Math.max(...all);
  const first = cards.find(({ usableBytes }) => usableBytes >= most) ?? cards[cards.length - 1]!;
  const top = Math.min(most, first.usableBytes) * 1.05;
  const [low, high] = [family.batches[0]!, family.batches[family.batches.length - 1]!];
  const x = (batch: number): number => LEFT + (Math.log2(batch / low) / Math.log2(high / low)) * (WIDTH - LEFT - RIGHT);
  const y = (bytes: number): number => HEIGHT - BOTTOM - (bytes / top) * (HEIGHT - TOP - BOTTOM);
  const levels = cards.filter(({ usableBytes }) => usableBytes <= top).map((card) => levelOf(card, y));
  const ticks = family.batches.map((batch) =>
    text(x(batch), HEIGHT - BOTTOM + 16, String(batch), 'text-anchor="middle"'),
  );
  const lines = curves.map(({ size, bytes }, i) => {
    const points = bytes.flatMap((one, at) =>
      one === null || one > top ? [] : [[x(family.batches[at]!), y(one)] as const],
    );
    const { stroke, dash } = LINES[i % LINES.length]!;
    const path = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(' ');
    const end = points[points.length - 1];
    const line = `<polyline points="${path}" fill="none" stroke="${stroke}" stroke-width="2" stroke-dasharray="${dash}"/>`;
    return end === undefined ? line : line + text(end[0] + 6, end[1] + 4, sizeWords(size), `fill="${stroke}"`);
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#333">`,
    `<title>${family.title}: GPU memory over the batch</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#fff"/>`,
    ...levels,
    `<path d="M${LEFT} ${TOP}V${HEIGHT - BOTTOM}H${WIDTH - RIGHT}" fill="none" stroke="#333"/>`,
    text(LEFT - 8, y(0) + 4, '0', 'text-anchor="end"'),
    text(LEFT - 8, y(most > top ? top : most) + 4, inGib(Math.min(most, top)), 'text-anchor="end"'),
    text(LEFT, TOP - 8, 'GiB'),
    ...ticks,
    text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8, 'samples in a micro-batch', 'text-anchor="middle"'),
    ...lines,
    '</svg>',
    '',
  ].join('\n');
}

function levelOf({ sizeGb, usableBytes }: Card, y: (bytes: number) => number): string {
  const at = y(usableBytes).toFixed(1);
  const line = `<path d="M${LEFT} ${at}H${WIDTH - RIGHT}" stroke="#999" stroke-dasharray="1 3"/>`;
  return (
    line + text(LEFT + 4, y(usableBytes) - 4, `${sizeGb} GB card: ${(usableBytes / GIB).toFixed(1)} GiB`, 'fill="#777"')
  );
}
