import type { Size } from './families.js';

const GIB = 1024 ** 3;

/** `5.4`, `0.73`, `12`: three digits at most. */
export const inGib = (bytes: number): string => {
  const value = bytes / GIB;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
};

export const sizeWords = (size: Size): string =>
  typeof size === 'number' ? `${size} tokens` : `${size[0]}×${size[1]}`;

/** A file's name for a family. */
export const slug = (title: string): string =>
  title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/-$/, '');
