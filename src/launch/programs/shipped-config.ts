import type { SourcePlace } from '../../run/setting.js';
import type { RunDraft } from '../run-draft.js';
import { croppedHeight } from '../../run/image-batches.js';
import { SHIPPED_CONFIGS } from './shipped-configs.js';

type Package = keyof typeof SHIPPED_CONFIGS;

/** What a configuration that ships with a package says of a step. */
export interface ShippedConfig {
  /** Of one device, or of all of them (detectron2); null where the configuration does not say. */
  images: number | null;
  size: ImageSize | null;
  optimizer: 'sgd' | 'adam' | 'adamw';
  precision: 'fp32' | 'amp-fp16' | 'amp-bf16';
  ema: boolean;
  /** Only the backbone's stages are recomputed. */
  checkpointsBackbone: boolean;
  accumulation: number;
}

/** [height, width] as padded; with the least and the most where it changes from step to step. */
export interface ImageSize {
  value: readonly [number, number];
  range?: { low: readonly [number, number]; high: readonly [number, number] };
}

const OPTIMIZERS: Readonly<Record<string, ShippedConfig['optimizer']>> = { W: 'adamw', A: 'adam' };

const rowsOf = new Map<Package, ReadonlyMap<string, string>>();

/** The rows of a package by name, taken apart when they are first asked for. */
function rows(library: Package): ReadonlyMap<string, string> {
  const known = rowsOf.get(library);
  if (known !== undefined) return known;
  const lines = SHIPPED_CONFIGS[library].split('\n').filter((line) => line !== '');
  const made = new Map(lines.map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)]));
  rowsOf.set(library, made);
  return made;
}

/** The configuration of that file name (without ending) that ships with a package; null where there is none. */
export function shippedConfig(library: Package, name: string): ShippedConfig | null {
  const row = rows(library).get(name);
  if (row === undefined) return null;
  const [images = '', size = '-', optimizer = '-', traits = '-'] = row.split(' ');
  return {
    images: images === '' ? null : Number(images),
    size: sizeOf(size),
    optimizer: OPTIMIZERS[optimizer] ?? 'sgd',
    precision: precisionOf(traits),
    ema: traits.includes('e'),
    checkpointsBackbone: traits.includes('c'),
    accumulation: Number(/\d+/.exec(traits)?.[0] ?? 1),
  };
}

function precisionOf(traits: string): ShippedConfig['precision'] {
  if (traits.includes('a')) return 'amp-fp16';
  return traits.includes('b') ? 'amp-bf16' : 'fp32';
}

/** Detectors pad both sides to a multiple of it. */
const PADDING = 32;
const padded = (side: number): number => Math.ceil(side / PADDING) * PADDING;

function sizeOf(text: string): ImageSize | null {
  const fixed = /^(\d+)x(\d+)$/.exec(text);
  if (fixed) return { value: [Number(fixed[1]), Number(fixed[2])] };
  const resized = /^(\d+)(?:-(\d+))?<(\d*)(\+?)$/.exec(text);
  if (resized) {
    const size = resizedTo(Number(resized[1]), Number(resized[2] ?? resized[1]), Number(resized[3] ?? 0));
    return resized[4] === '+' ? cropped(size) : size;
  }
  const square = /^(\d+)-(\d+)$/.exec(text);
  if (!square) return null;
  const [least, most] = [Number(square[1]), Number(square[2])];
  return { value: [most, most], range: { low: [least, least], high: [most, most] } };
}

/** A short side, from the least to the most, and the longest that the long one may be: a wide image takes all of it. */
function resizedTo(least: number, most: number, longest: number): ImageSize {
  const long = longest > 0 ? longest : most;
  const high = [padded(most), padded(long)] as const;
  if (least === most) return { value: high };
  return { value: high, range: { low: [padded(least), padded(Math.min(long, (least * long) / most))], high } };
}

/** A wide image whole and a tall crop lie in one batch, which is as high as the one and as wide as the other. */
function cropped({ value: [short, long] }: ImageSize): ImageSize {
  const value = [padded(croppedHeight(short, long)), long] as const;
  return { value, range: { low: [short, long], high: value } };
}

/** Puts the size of the images of a step into the run. */
export function readShippedSize(draft: RunDraft, size: ImageSize | null, place: SourcePlace | null, of: string): void {
  if (size === null || draft.has('imageSize')) return;
  if (size.range === undefined) draft.read('imageSize', size.value, place);
  else draft.assume('imageSize', size.value, `${of} changes the size from step to step`, size.range);
}
