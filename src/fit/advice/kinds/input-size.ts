import { canWrite } from '../program-flags.js';
import { SHORT_EVERYWHERE } from '../proposal.js';
import type { AdviceKind } from '../proposal.js';

const SHORTEST_TOKENS = 256;
const SMALLEST_PIXELS = 96;
const STRIDE = 32;

/** Shorter texts. */
export const sequenceLength: AdviceKind = {
  name: 'sequence-length',
  answers: SHORT_EVERYWHERE,
  price: 'result',
  combines: false,
  ladder({ run, options, values }) {
    if (!canWrite({ run, options }, 'sequenceLength')) return [];
    const lengths: number[] = [];
    for (let length = (values.sequenceLength ?? 0) / 2; length >= SHORTEST_TOKENS; length /= 2)
      if (Number.isInteger(length)) lengths.push(length);
    return lengths.map((length) => ({
      edits: [{ field: 'sequenceLength', value: length }],
      costs: [`texts longer than ${length} tokens are cut`],
    }));
  },
};

const scaled = (pixels: number, factor: number): number => Math.floor((pixels * factor) / STRIDE) * STRIDE;

/** Smaller images, at multiples of the usual total stride. */
export const imageSize: AdviceKind = {
  name: 'image-size',
  answers: SHORT_EVERYWHERE,
  price: 'result',
  combines: false,
  ladder({ run, options, values }) {
    if (!canWrite({ run, options }, 'imageSize')) return [];
    const [height, width] = values.imageSize ?? [0, 0];
    const sizes = [0.75, 0.5].map((factor) => [scaled(height, factor), scaled(width, factor)] as const);
    return sizes
      .filter(([tall, wide]) => tall >= SMALLEST_PIXELS && wide >= SMALLEST_PIXELS)
      .map(([tall, wide]) => ({
        edits: [{ field: 'imageSize', value: [tall, wide] }],
        costs: [`images of ${tall} × ${wide} instead of ${height} × ${width}: accuracy falls`],
      }));
  },
};
