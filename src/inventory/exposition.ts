/** One sample of a metric. */
export interface Sample {
  metric: string;
  labels: ReadonlyMap<string, string>;
  value: number;
  /** Epoch milliseconds where the text gives a time, else null. */
  timestampMs: number | null;
}

export interface Exposition {
  samples: readonly Sample[];
  /** Lines that are no sample: broken, too long, or with too many labels. Only wanted metrics are counted. */
  malformedLines: number;
  /** true: the text held more samples than `maxSamples` and the rest was left unread. */
  truncated: boolean;
}

export interface ExpositionOptions {
  /** Which metrics to keep; the labels of others are never looked at. Default: all. */
  wanted?: (metric: string) => boolean;
  limits?: Partial<ExpositionLimits>;
}

/** Bounds on hostile text. dcgm-exporter lines are some 300 characters with about 15 labels. */
export interface ExpositionLimits {
  maxLineLength: number;
  maxLabels: number;
  maxSamples: number;
}

const DEFAULT_LIMITS: ExpositionLimits = { maxLineLength: 8192, maxLabels: 64, maxSamples: 2_000_000 };

const QUOTE = 34;
const HASH = 35;
const COMMA = 44;
const EQUALS = 61;
const BACKSLASH = 92;
const BRACE_OPEN = 123;
const BRACE_CLOSE = 125;

const SPECIAL_VALUES = new Map([
  ['nan', Number.NaN],
  ['inf', Infinity],
  ['+inf', Infinity],
  ['-inf', -Infinity],
]);
const PLAIN_NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/;
/** The longest decimal that a 64-bit float prints as is well below; longer tokens are not looked at. */
const MAX_NUMBER_LENGTH = 40;
const ESCAPED = /\\(.)/g;

const isBlank = (code: number): boolean => code === 32 || code === 9 || code === 13;
const isNameCode = (code: number): boolean =>
  (code >= 97 && code <= 122) || (code >= 65 && code <= 90) || (code >= 48 && code <= 58) || code === 95;

/**
 * Reads the Prometheus text format (also with OpenMetrics' exemplars and `# EOF`) in one pass, in time linear in the
 * text, whatever it holds: a line that is not understood is counted and skipped. Never throws.
 * Format: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
export function readExposition(text: string, options: ExpositionOptions = {}): Exposition {
  const limits = { ...DEFAULT_LIMITS, ...options.limits };
  const samples: Sample[] = [];
  let malformedLines = 0;
  for (let start = 0; start < text.length;) {
    const newline = text.indexOf('\n', start);
    const end = newline < 0 ? text.length : newline;
    const metric = metricAt(text, start, end);
    if (metric !== null && (options.wanted?.(metric.name) ?? true)) {
      if (samples.length >= limits.maxSamples) return { samples, malformedLines, truncated: true };
      const sample = readSample(text, metric, end, limits);
      if (sample === null) malformedLines += 1;
      else samples.push(sample);
    }
    start = end + 1;
  }
  return { samples, malformedLines, truncated: false };
}

interface MetricStart {
  name: string;
  lineStart: number;
  /** Offset just after the name. */
  next: number;
}

/** The metric name that starts the line; null for a comment or an empty line; the name is empty for garbage. */
function metricAt(text: string, lineStart: number, end: number): MetricStart | null {
  const from = skipBlanks(text, lineStart, end);
  if (from >= end || text.charCodeAt(from) === HASH) return null;
  const next = skipName(text, from, end);
  return { name: text.slice(from, next), lineStart, next };
}

function readSample(text: string, metric: MetricStart, end: number, limits: ExpositionLimits): Sample | null {
  if (metric.name === '' || end - metric.lineStart > limits.maxLineLength) return null;
  const labels = new Map<string, string>();
  let at = skipBlanks(text, metric.next, end);
  if (text.charCodeAt(at) === BRACE_OPEN) {
    at = readLabels({ text, end, labels, maxLabels: limits.maxLabels }, at + 1);
    if (at < 0) return null;
  }
  const [rawValue = '', rawTime, ...rest] = text.slice(at, end).split('#', 1)[0]!.trim().split(/\s+/, 3);
  const value = numberOf(rawValue);
  if (value === null || rest.length > 0) return null;
  const timestampMs = rawTime === undefined ? null : numberOf(rawTime);
  return { metric: metric.name, labels, value, timestampMs };
}

interface LabelScan {
  text: string;
  end: number;
  labels: Map<string, string>;
  maxLabels: number;
}

/** Reads labels up to the closing brace; the offset after it, or -1 where the block is broken. */
function readLabels(scan: LabelScan, from: number): number {
  let at = skipBlanks(scan.text, from, scan.end);
  while (at < scan.end) {
    if (scan.text.charCodeAt(at) === BRACE_CLOSE) return at + 1;
    if (scan.labels.size >= scan.maxLabels) return -1;
    at = readLabel(scan, at);
    if (at < 0) return -1;
  }
  return -1;
}

/** Reads `name="value"` and a following comma; the offset after it, or -1. */
function readLabel({ text, end, labels }: LabelScan, from: number): number {
  const nameEnd = skipName(text, from, end);
  const equals = skipBlanks(text, nameEnd, end);
  const open = skipBlanks(text, equals + 1, end);
  if (nameEnd === from || text.charCodeAt(equals) !== EQUALS || text.charCodeAt(open) !== QUOTE) return -1;
  const close = closingQuote(text, open + 1, end);
  if (close < 0) return -1;
  labels.set(text.slice(from, nameEnd), unescape(text.slice(open + 1, close)));
  const next = skipBlanks(text, close + 1, end);
  if (text.charCodeAt(next) === COMMA) return skipBlanks(text, next + 1, end);
  return text.charCodeAt(next) === BRACE_CLOSE ? next : -1;
}

function closingQuote(text: string, from: number, end: number): number {
  for (let at = from; at < end; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) return at;
    if (code === BACKSLASH) at += 1;
  }
  return -1;
}

function unescape(value: string): string {
  if (!value.includes('\\')) return value;
  return value.replace(ESCAPED, (_, character: string) => (character === 'n' ? '\n' : character));
}

function numberOf(token: string): number | null {
  if (token.length > MAX_NUMBER_LENGTH) return null;
  if (PLAIN_NUMBER.test(token)) return Number(token);
  return SPECIAL_VALUES.get(token.toLowerCase()) ?? null;
}

function skipBlanks(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && isBlank(text.charCodeAt(at))) at += 1;
  return at;
}

function skipName(text: string, from: number, end: number): number {
  let at = from;
  while (at < end && isNameCode(text.charCodeAt(at))) at += 1;
  return at;
}
