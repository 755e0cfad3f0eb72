/** `_make_divisible` (torchvision/models/_utils.py): the nearest multiple, never more than 10 % below the wanted width. */
export function divisible(channels: number, divisor = 8): number {
  const rounded = Math.max(divisor, Math.floor((channels + divisor / 2) / divisor) * divisor);
  return rounded < 0.9 * channels ? rounded + divisor : rounded;
}
