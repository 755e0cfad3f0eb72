import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readExposition } from './exposition.js';

const read = (text: string) =>
  readExposition(text).samples.map(({ metric, labels, value, timestampMs }) => ({
    metric,
    labels: Object.fromEntries(labels),
    value,
    timestampMs,
  }));

describe('exposition text', () => {
  it('is read with labels, escapes, times and exemplars', () => {
    const text = [
      '# HELP m A help text with {braces} and "quotes"',
      '# TYPE m gauge',
      'bare 1',
      'm{a="1",b="two words"} -2.5e3 1700000000000',
      '  m { a = "x" , } +Inf  ',
      String.raw`m{path="C:\\dir\n\"q\" \u"} 0.5`,
      'm_bucket{le="0.1"} 8 # {trace_id="oHg5"} 0.067 1520879607.789',
      'm{empty=""} NaN\r',
      '',
      '# EOF',
    ];
    expect(read(text.join('\n'))).toEqual([
      { metric: 'bare', labels: {}, value: 1, timestampMs: null },
      { metric: 'm', labels: { a: '1', b: 'two words' }, value: -2500, timestampMs: 1_700_000_000_000 },
      { metric: 'm', labels: { a: 'x' }, value: Infinity, timestampMs: null },
      { metric: 'm', labels: { path: 'C:\\dir\n"q" u' }, value: 0.5, timestampMs: null },
      { metric: 'm_bucket', labels: { le: '0.1' }, value: 8, timestampMs: null },
      { metric: 'm', labels: { empty: '' }, value: NaN, timestampMs: null },
    ]);
  });

  it.each([
    'm',
    'm{} ',
    'm{a="1" 3',
    'm{a="1} 3',
    'm{a=1} 3',
    'm{="1"} 3',
    'm{a="1"b="2"} 3',
    'm{a="1"} three',
    'm{a="1"} 0x10',
    'm 1 2 3',
    'm 1_000',
    '{a="1"} 3',
    '"quoted" 3',
    `m ${'9'.repeat(50)}`,
    `m{a="${'x'.repeat(9_000)}"} 3`,
    `m{${Array.from({ length: 100 }, (_, i) => `l${i}="x"`).join(',')}} 3`,
  ])('is left out and counted where a line is broken: %.40s', (line) => {
    expect(readExposition(`good 1\n${line}\ngood 2\n`)).toMatchObject({
      samples: [{ value: 1 }, { value: 2 }],
      malformedLines: 1,
    });
  });

  it('is not looked into where a metric is not wanted', () => {
    const result = readExposition('other{{{{\nwanted 1\n', { wanted: (metric) => metric === 'wanted' });
    expect(result).toMatchObject({ samples: [{ metric: 'wanted', value: 1 }], malformedLines: 0 });
  });

  it('is cut off where it holds too many samples', () => {
    const result = readExposition('m 1\n'.repeat(10), { limits: { maxSamples: 3 } });
    expect(result).toMatchObject({ truncated: true });
    expect(result.samples).toHaveLength(3);
  });

  it('does not touch prototypes, whatever labels are called', () => {
    const [sample] = readExposition('m{__proto__="x",constructor="y"} 1').samples;
    expect(sample?.labels.get('__proto__')).toBe('x');
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_]{0,20}$/);
  const escaped = (text: string): string =>
    text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
  const sample = fc.record({
    metric: name,
    labels: fc.dictionary(name, fc.string({ unit: 'grapheme', maxLength: 60 }), { maxKeys: 8 }),
    value: fc.double({ noNaN: true }).map((value) => (value === 0 ? 0 : value)),
  });

  it('gives back what was written, whatever labels hold', () => {
    fc.assert(
      fc.property(fc.array(sample, { maxLength: 20 }), (samples) => {
        const lines = samples.map(({ metric, labels, value }) => {
          const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`);
          const number = value === Infinity ? '+Inf' : value === -Infinity ? '-Inf' : String(value);
          return `${metric}{${pairs.join(',')}} ${number}`;
        });
        expect(read(lines.join('\n'))).toEqual(
          samples.map(({ metric, labels, value }) => ({ metric, labels: { ...labels }, value, timestampMs: null })),
        );
      }),
    );
  });

  it('never throws and never loses a good line to a bad one before it', () => {
    const scrap = fc.stringMatching(/^[a-z{}="\\#,.0-9 \t\r-]{0,60}$/);
    fc.assert(
      fc.property(fc.array(fc.oneof(scrap, fc.string({ unit: 'binary' }))), (lines) => {
        const text = [...lines.map((line) => line.replaceAll('\n', ' ')), 'last 1'].join('\n');
        expect(readExposition(text).samples.at(-1)).toMatchObject({ metric: 'last', value: 1 });
      }),
    );
  });

  it.each([
    ['one endless line', `m{a="${'\\'.repeat(4_000_000)}`],
    ['a label without end on every line', 'm{a="\n'.repeat(500_000)],
    ['digits without end', `m ${'1'.repeat(4_000_000)}`],
    ['blanks without end', `m${' '.repeat(4_000_000)}`],
    ['braces without end', 'm{'.repeat(1_000_000)],
  ])('takes linear time on %s', (_, text) => {
    const started = performance.now();
    expect(readExposition(text).samples).toEqual([]);
    expect(performance.now() - started).toBeLessThan(2_000);
  });
});
