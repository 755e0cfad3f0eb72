/** Sides of the crops that DETR's pipeline takes before it resizes them (facebookresearch/detr, datasets/coco.py). */
const CROP = { least: 384, most: 600 };

/**
 * How high the tallest image is that DETR's pipeline makes. Batches are of images that are all wide or all tall, but crops are
 * taken afterwards: of two wide images one may be left whole, and the other become a tall crop.
 */
export const croppedHeight = (short: number, long: number): number =>
  Math.min(long, Math.round((short * CROP.most) / CROP.least));
