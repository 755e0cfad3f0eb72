import { loadFacts } from '../../../src/advisor/facts.js';
import { loadGrammars } from '../../../src/advisor/load-grammars.js';
import { drawingOf } from './drawing.js';
import { FAMILIES_OF_PAGE } from './families.js';
import type { FamilyFigures } from './figures.js';
import { figuresOf } from './figures.js';
import type { Card } from './predict.js';
import { cardsOf } from './predict.js';
import { inGib, sizeWords, slug } from './words.js';

const PAGE = 'docs/how-much-gpu-memory.md';
const DRAWINGS = 'docs/how-much-gpu-memory';

/** The page and its drawings, by their paths. Takes some seconds: hundreds of trainings are worked out. */
export async function memoryPage(): Promise<ReadonlyMap<string, string>> {
  const facts = loadFacts();
  const known = { facts, grammars: await loadGrammars() };
  const cards = cardsOf(facts);
  const figures = FAMILIES_OF_PAGE.map((family) => figuresOf(family, cards, known));
  const drawn = figures.filter(({ reason }) => reason === null);
  const drawings = drawn.map((one) => [`${DRAWINGS}/${slug(one.family.title)}.svg`, drawingOf(one, cards)] as const);
  return new Map([[PAGE, pageOf(figures, cards)], ...drawings]);
}

const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** A table in Markdown, its columns as wide as their widest cell. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((title, i) =>
    Math.max(3, ...[title, ...rows.map((cells) => cells[i] ?? '')].map((cell) => cell.length)),
  );
  const padded = (cells: readonly string[]): string =>
    row(cells.map((cell, i) => (i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))));
  const rule = row(widths.map((width, i) => (i === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`)));
  return [padded(head), rule, ...rows.map(padded)].join('\n');
}

function pageOf(figures: readonly FamilyFigures[], cards: readonly Card[]): string {
  return [
    '# How much GPU memory does it take?',
    '',
    '<!-- Written by npm run docs -- --all; edits are overwritten. -->',
    '',
    'GPU memory of common trainings, as Plimsoll works it out: what `nvidia-smi` shows at its most in the second step, on a',
    'card with room, CUDA context and libraries included, in GiB (2^30 bytes). Everything is trained, in fp32 unless said',
    'otherwise; image models with SGD and momentum, BERT and GPT-2 with AdamW. The expected figure is given; for the interval',
    'around it and what makes it wide, ask for one run: `plimsoll estimate --model resnet50 --micro-batch 64`.',
    '',
    'The number of samples in the data set plays no part, nor do the epochs: only what is on the device at one time counts.',
    'The batch is that of one GPU.',
    '',
    '## The largest batch',
    '',
    ...largestTable(figures, cards),
    '',
    'At the native size of the input, fp32 / mixed precision (fp16). From about 200 on in steps of one per cent. A card holds',
    `what a process can use of it: ${cards.map(({ sizeGb, usableBytes }) => `${sizeGb} GB ${inGib(usableBytes)} GiB`).join(', ')}.`,
    '`0`: not even one sample. The allocator may give unused memory back before it fails, so that a little more can pass.',
    '',
    'Sharding and splitting are for models whose parameters, gradients and optimizer states are most of the figure: on small',
    'ones the buffers of the exchange cost more than the shards save.',
    '',
    ...figures.flatMap(familySection),
  ].join('\n');
}

function largestTable(figures: readonly FamilyFigures[], cards: readonly Card[]): string[] {
  const head = ['', ...cards.map(({ sizeGb }) => `${sizeGb} GB`)];
  const rows = figures
    .filter(({ reason }) => reason === null)
    .map(({ family, largest }) => [family.title, ...largest.map(({ plain, mixed }) => `${plain} / ${mixed}`)]);
  return [table(head, rows)];
}

function familySection(figures: FamilyFigures): string[] {
  const { family, reason, start } = figures;
  const head = [`## ${family.title}`, ''];
  if (reason !== null || start === null) return [...head, `Not worked out: ${reason}.`, ''];
  const drawing = `how-much-gpu-memory/${slug(family.title)}.svg`;
  return [
    ...head,
    `![GPU memory of ${family.title} over the batch](${drawing})`,
    '',
    table(
      ['GiB at a batch of', ...family.batches.map(String)],
      figures.curves.map(({ size, bytes }) => [
        sizeWords(size),
        ...bytes.map((one) => (one === null ? '–' : inGib(one))),
      ]),
    ),
    '',
    `What remedies save, from ${inGib(start.bytes)} GiB at a batch of ${start.batch}:`,
    '',
    table(
      ['remedy', 'GiB', 'saved'],
      figures.remedies.flatMap(({ name, bytes }) =>
        typeof bytes === 'number' ? [[name, inGib(bytes), saved(start.bytes, bytes)]] : [],
      ),
    ),
    '',
    ...withoutFigure(figures),
  ];
}

const saved = (before: number, after: number): string => `${Math.round((1 - after / before) * 100)} %`;

function withoutFigure({ remedies }: FamilyFigures): string[] {
  const named = remedies.flatMap(({ name, bytes }) => (typeof bytes === 'string' ? [`${name} (${bytes})`] : []));
  return named.length === 0 ? [] : [`Not worked out: ${named.join('; ')}.`, ''];
}
