/**
 * Kubernetes quantities, by the grammar of k8s.io/apimachinery pkg/api/resource (quantity.go). Written here because the
 * npm packages for it (kubernetes-resource-parser, k8s-resource-parser) say themselves that they expect correct input,
 * take no exponents and compute in floating point, and the client library's own parser may not be used in pure code.
 */
const GRAMMAR = /^([+-]?)(\d*)(?:\.(\d*))?(Ki|Mi|Gi|Ti|Pi|Ei|[numkMGTPE]|[eE][+-]?\d+)?$/;
const BINARY: Readonly<Record<string, number>> = { Ki: 10, Mi: 20, Gi: 30, Ti: 40, Pi: 50, Ei: 60 };
const DECIMAL: Readonly<Record<string, number>> = { n: -9, u: -6, m: -3, k: 3, M: 6, G: 9, T: 12, P: 15, E: 18 };
const MAX_LENGTH = 100;
/** Quantities are kept between -(2^63-1) and 2^63-1, and rounded up to whole nano units. */
const LARGEST_NANO = (2n ** 63n - 1n) * 10n ** 9n;
const NANO_DIGITS = 9;
/** Beyond this exponent any digit at all is past the largest quantity, or below a nano unit. */
const EXTREME_EXPONENT = 200;

interface Parts {
  negative: boolean;
  digits: bigint;
  /** The value is digits × 2^binary × 10^decimal. */
  binary: number;
  decimal: number;
}

/**
 * The amount in base units (bytes, cores, devices) of a quantity such as `64Gi`, `500m`, `3k` or `1e3`, exact wherever
 * a double holds it; null where the text is no quantity. Numbers, as YAML gives them, are read as their decimal text.
 */
export function parseQuantity(quantity: string | number): number | null {
  const text = String(quantity);
  if (text.length > MAX_LENGTH) return null;
  const parts = partsOf(text);
  if (parts === null) return null;
  const nano = nanoUnits(parts);
  const bounded = nano > LARGEST_NANO ? LARGEST_NANO : nano;
  return toNumber(parts.negative ? -bounded : bounded);
}

function partsOf(text: string): Parts | null {
  const found = GRAMMAR.exec(text);
  if (found === null) return null;
  const [, sign, whole = '', fraction = '', suffix = ''] = found;
  if (whole === '' && fraction === '') return null;
  const decimal = (DECIMAL[suffix] ?? exponentOf(suffix)) - fraction.length;
  return { negative: sign === '-', digits: BigInt(whole + fraction), binary: BINARY[suffix] ?? 0, decimal };
}

function exponentOf(suffix: string): number {
  if (suffix.length < 2 || suffix in BINARY) return 0;
  const exponent = Number(suffix.slice(1));
  return Math.max(-EXTREME_EXPONENT, Math.min(EXTREME_EXPONENT, exponent));
}

function nanoUnits({ digits, binary, decimal }: Parts): bigint {
  const scaled = digits << BigInt(binary);
  const exponent = decimal + NANO_DIGITS;
  if (exponent >= 0) return scaled * 10n ** BigInt(exponent);
  const divisor = 10n ** BigInt(-exponent);
  return (scaled + divisor - 1n) / divisor;
}

function toNumber(nano: bigint): number {
  const unit = 10n ** BigInt(NANO_DIGITS);
  return nano % unit === 0n ? Number(nano / unit) : Number(nano) / Number(unit);
}
