import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Tracked } from '../text/tracked.js';
import { flattened, readOverrides } from './hydra.js';
import type { Option, OptionValue } from './option.js';
import { Options } from './option.js';
import { readToml } from './toml.js';

const word = (text: string): Tracked => Tracked.of(text, { document: 'manifest', path: 'args[0]' });

function plain(value: OptionValue): unknown {
  if (value instanceof Options)
    return Object.fromEntries(value.all().map((option) => [option.name, plain(option.value)]));
  return Array.isArray(value) ? value.map((item: Option) => plain(item.value)) : value;
}

const read = (...words: string[]): Record<string, unknown> =>
  Object.fromEntries(
    readOverrides(words.map(word))
      .all()
      .map(({ name, value }) => [name, plain(value)]),
  );

describe("Hydra's overrides", () => {
  it('change, add and delete keys', () => {
    expect(read('a.b=1', '+c=x', '++d.e=2.5', '~f', '--flag', 'word')).toEqual({
      'a.b': '1',
      c: 'x',
      'd.e': '2.5',
      f: null,
    });
  });

  it('hold lists, mappings and quoted texts', () => {
    expect(read("t=[q_proj, 'v,proj']", 'm={a: 1, b: {c: [2, 3]}}', 'q="x=y, z"', 'n=null')).toEqual({
      t: ['q_proj', 'v,proj'],
      'm.a': '1',
      'm.b.c': ['2', '3'],
      q: 'x=y, z',
      n: null,
    });
  });

  it.each([
    ['a=1,2', 'a is a sweep over several values'],
    ['a=${oc.env:X}', '${oc.env:X} is filled in by the program'],
    ['a=???', 'a is left to be given'],
  ])('%s is named, not resolved', (text, reason) => {
    expect(readOverrides([word(text)]).find('a')?.unresolved).toBe(reason);
  });

  it('say where each value stands', () => {
    const option = readOverrides([word('++model.lora={rank: 16}')]).find('model.lora.rank');
    expect(option?.place).toMatchObject({ path: 'args[0]', span: { start: 20, end: 22 }, text: '16' });
  });

  it('of any text end, and never throw', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ maxLength: 200 }), { maxLength: 20 }), (texts) => {
        expect(flattened(readOverrides(texts.map(word))).all().length).toBeGreaterThanOrEqual(0);
      }),
    );
    const deep = `a=${'['.repeat(50_000)}1${']'.repeat(50_000)}`;
    expect(readOverrides([word(deep)]).find('a')).toBeDefined();
  });
});

describe('a TOML configuration', () => {
  const text = '# head\n[training]\nseq_len = 4096 # tokens\nname = "a # b"\n\n[[datasets]]\nlist = ["x", "y"]\n';

  it('gives settings by dotted names, comments left out', () => {
    const options = readToml(Tracked.of(text, { document: 'configmap/c/t.toml', path: '' }));
    expect(options.all().map(({ name, value }) => [name, plain(value)])).toEqual([
      ['training.seq_len', '4096'],
      ['training.name', 'a # b'],
      ['datasets.list', ['x', 'y']],
    ]);
    const { place } = options.find('training.seq_len') ?? {};
    expect(text.slice(place?.span?.start, place?.span?.end)).toBe('4096');
  });
});
