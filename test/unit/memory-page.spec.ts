import { describe, expect, it } from '@jest/globals';
import { drawingOf } from '../../scripts/docs/memory-page/drawing.js';
import { figuresOf } from '../../scripts/docs/memory-page/figures.js';
import { cardsOf, declaredValues, expectedBytes, largestBatch } from '../../scripts/docs/memory-page/predict.js';
import { loadFacts } from '../../src/advisor/facts.js';
import { loadGrammars } from '../../src/advisor/load-grammars.js';

const facts = loadFacts();
const grammars = await loadGrammars();
const cards = cardsOf(facts);

const family = {
  title: 'ResNet-18',
  run: {
    model: 'torchvision/resnet18',
    task: 'image-classification',
    imageSize: [224, 224],
    optimizer: { name: 'sgd' },
  },
  batches: [8, 16, 32],
  sizes: [
    [128, 128],
    [224, 224],
  ],
} as const;

describe('the page of GPU memory', () => {
  it('has a largest batch that the card holds, and that is the largest', () => {
    const values = declaredValues(family.run, grammars);
    const [small] = cards as [(typeof cards)[number]];
    const most = largestBatch(values, small, facts);
    const at = (batch: number): number | string =>
      expectedBytes({ ...values, microBatchSize: batch }, small.device, facts);
    expect(at(most)).toBeLessThanOrEqual(small.usableBytes);
    expect(at(most + 2)).toBeGreaterThan(small.usableBytes);
  });

  it('grows with the batch, the input and the card, and draws a line for each size', () => {
    const figures = figuresOf(family, cards, { facts, grammars });
    const [low, high] = figures.curves.map(({ bytes }) => bytes) as [number[], number[]];
    expect(low).toEqual(low.toSorted((a, b) => a - b));
    low.forEach((bytes, i) => expect(bytes).toBeLessThan(high[i]!));
    const largest = figures.largest.map(({ plain }) => plain);
    expect(largest).toEqual(largest.toSorted((a, b) => a - b));
    expect(figures.remedies.find(({ name }) => name === 'half the batch')!.bytes).toBeLessThan(figures.start!.bytes);
    expect(drawingOf(figures, cards).match(/<polyline/g)).toHaveLength(family.sizes.length);
  });

  it('says in words why a remedy has no figure', () => {
    const { remedies } = figuresOf(family, cards, { facts, grammars });
    expect(remedies.find(({ name }) => name === 'checkpointing')!.bytes).toMatch(/not known/);
  });
});
