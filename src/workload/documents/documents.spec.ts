import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { ManifestDocument } from './documents.js';
import { readDocuments } from './documents.js';

function only(text: string): ManifestDocument {
  const [document, ...others] = readDocuments(text, 'job.yaml');
  expect(others).toEqual([]);
  return document!;
}

/** The characters that a patch of this value would replace. */
function content(text: string, path: string, part?: { start: number; end: number }): string | null {
  const found = only(text).position(path, part)?.content;
  return found === null || found === undefined ? null : text.slice(found.start, found.end);
}

describe('a text of manifests', () => {
  it('gives one document for each, with a name to tell them by', () => {
    const documents = readDocuments('# none\n---\nkind: A\n---\n\n---\nkind: B\n', 'all.yaml');
    expect(documents.map(({ name, manifest }) => [name, manifest])).toEqual([
      ['all.yaml#1', { kind: 'A' }],
      ['all.yaml#2', { kind: 'B' }],
    ]);
  });

  it('may be JSON', () => {
    expect(only('{"kind": "Job", "spec": {"parallelism": 2}}').manifest).toEqual({
      kind: 'Job',
      spec: { parallelism: 2 },
    });
  });

  it('has its lists unrolled, with positions in the list', () => {
    const text = 'kind: List\nitems:\n  - kind: A\n  - kind: B\n    spec: {n: 7}\n';
    const [, second] = readDocuments(text, 'list.yaml');
    expect(second).toMatchObject({ name: 'list.yaml#2', manifest: { kind: 'B' } });
    expect(second!.position('spec.n')).toMatchObject({ line: 5, column: 15 });
  });

  it('does not hide what can be read behind what cannot', () => {
    const documents = readDocuments('kind: A\n---\na: [1\nb: 2\n---\nkind: C\n', 'x.yaml');
    expect(documents.map(({ manifest }) => manifest?.kind ?? null)).toContain('A');
    expect(documents.some(({ errors }) => errors.length > 0)).toBe(true);
  });

  it('with a key twice says so, with line and column', () => {
    const document = only('kind: A\nspec:\n  n: 1\n  n: 2\n');
    expect(document.manifest).toEqual({ kind: 'A', spec: { n: 2 } });
    expect(document.errors).toEqual(['line 4, column 3: this key stands twice in its object, and the last one counts']);
  });

  it.each([
    'metadata:\n  name: {{ .Release.Name }}-train\n  labels:\n    {{- include "x" . | nindent 4 }}\n',
    '{{- if .Values.enabled }}\nkind: Job\n{{- end }}\n',
    '{{ include "chart.job" . }}\n',
  ])('that is a Helm template says so in those words: %j', (text) => {
    const errors = readDocuments(text, 'x.yaml').flatMap((document) => document.errors);
    expect(errors.join()).toContain('a Helm template, not YAML yet');
  });

  it('keeps a template that stands alone as text, to be named where a value belongs', () => {
    expect(only('spec:\n  n: {{ .Values.nodes }}\n  args: [{{ .Values.a | default 2 }}, x]\n').manifest).toEqual({
      spec: { n: '{{ .Values.nodes }}', args: ['{{ .Values.a | default 2 }}', 'x'] },
    });
  });

  it('takes merge keys and aliases as YAML means them', () => {
    const text = 'base: &base {a: 1, b: 2}\nspec:\n  <<: *base\n  b: 3\ncopy: *base\n';
    expect(only(text).manifest).toEqual({ base: { a: 1, b: 2 }, spec: { a: 1, b: 3 }, copy: { a: 1, b: 2 } });
    expect(content(text, 'copy.a')).toBe('1');
  });

  it('keeps keys that name members of every object as plain keys', () => {
    const manifest = only('__proto__: {polluted: true}\nconstructor: 1\n').manifest!;
    expect(Object.keys(manifest)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});

describe('the position of a value', () => {
  const text = [
    'spec:',
    '  command: ["torchrun", \'train.py\']',
    '  args:',
    '    - --batch-size=8 # per device',
    '    - "a\\tb"',
    '  script: |',
    '    set -e',
    '    python train.py --lr 3e-4',
    '  folded: >',
    '    one',
    '    two',
    '  limits: {"nvidia.com/gpu": 2}',
    '',
  ].join('\n');

  it.each([
    ['spec.command[0]', 'torchrun'],
    ['spec.command[1]', 'train.py'],
    ['spec.args[0]', '--batch-size=8'],
    ['spec.limits["nvidia.com/gpu"]', '2'],
  ])('%s is what stands there, without quotes', (path, expected) => {
    expect(content(text, path)).toBe(expected);
  });

  it('can be of a part of it, in block literals too', () => {
    const script = 'set -e\npython train.py --lr 3e-4\n';
    const start = script.indexOf('3e-4');
    expect(content(text, 'spec.script', { start, end: start + 4 })).toBe('3e-4');
    expect(content(text, 'spec.args[0]', { start: 13, end: 14 })).toBe('8');
  });

  it('is found in lines that end as on Windows', () => {
    const windows = text.replaceAll('\n', '\r\n');
    const script = 'set -e\npython train.py --lr 3e-4\n';
    const start = script.indexOf('3e-4');
    expect(content(windows, 'spec.script', { start, end: start + 4 })).toBe('3e-4');
  });

  it('has no content to replace where the text is written otherwise than it reads', () => {
    expect(content(text, 'spec.args[1]')).toBeNull();
    expect(content(text, 'spec.folded')).toBeNull();
    expect(only(text).position('spec.folded')).toMatchObject({ line: 9 });
  });

  it('that leads nowhere is none', () => {
    expect(only(text).position('spec.args[9]')).toBeNull();
    expect(only(text).position('spec.nothing.here')).toBeNull();
    expect(only(text).position('not a path')).toBeNull();
  });

  it('of every string that was written plainly is that string', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9=./-]{0,20}$/);
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 6 }), fc.nat(), (words, seed) => {
        const yaml = `kind: X\nargs:\n${words.map((each) => `  - "${each}"\n`).join('')}`;
        const index = seed % words.length;
        expect(content(yaml, `args[${index}]`)).toBe(words[index]);
      }),
    );
  });
});

describe('a hostile text', () => {
  const within = (milliseconds: number, act: () => void): void => {
    const start = performance.now();
    act();
    expect(performance.now() - start).toBeLessThan(milliseconds);
  };

  it('of aliases that multiply is refused in time', () => {
    const levels = Array.from({ length: 30 }, (_, n) => `l${n + 1}: &l${n + 1} [${`*l${n},`.repeat(9)}*l${n}]`);
    within(3000, () => {
      expect(only(`l0: &l0 lol\n${levels.join('\n')}\n`).errors.join()).toContain('aliases');
    });
  });

  it('of keys that are nested maps is read in time, each key in few characters', () => {
    const started = performance.now();
    const [document] = readDocuments(`kind: x\n? ${'{'.repeat(80)}a${'}'.repeat(80)}\n: y\n`, 'x');
    expect(performance.now() - started).toBeLessThan(2_000);
    for (const key of Object.keys(document?.manifest ?? {})) expect(key.length).toBeLessThan(100);
  });

  it('whose alias contains itself is refused', () => {
    expect(only('a: &a [*a, *a]\n').errors.join()).toMatch(/deeper|aliases/);
  });

  it.each([
    ['flow', '['.repeat(100_000)],
    ['block', Array.from({ length: 2000 }, (_, n) => `${' '.repeat(n)}a:`).join('\n')],
    ['dashes', '- '.repeat(50_000)],
  ])('nested without end (%s) is refused in time', (_, text) => {
    within(5000, () => {
      expect(readDocuments(text, 'x').every(({ manifest }) => manifest === null)).toBe(true);
    });
  });

  it('with fifty thousand keys is read in time', () => {
    const text = Array.from({ length: 50_000 }, (_, n) => `k${n}: ${n}`).join('\n');
    within(5000, () => {
      expect(Object.keys(only(text).manifest!)).toHaveLength(50_000);
    });
  });

  it('larger than any manifest is refused unread', () => {
    expect(only(`a: ${'x'.repeat(11 * 2 ** 20)}`).errors).toEqual(['larger than 10 MiB: not read']);
  });

  it('of any characters throws nothing', () => {
    const fragment = fc.constantFrom(
      '- ',
      ': ',
      '\n',
      '  ',
      '{',
      '}',
      '[',
      ']',
      '&a',
      '*a',
      '|',
      '>',
      '"',
      "'",
      '#',
      '---',
      '!!',
      '<<: ',
      '%',
      '{{ x }}',
      'k',
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(fragment, { maxLength: 40 }).map((all) => all.join('')),
        ),
        (text) => {
          for (const document of readDocuments(text, 'x')) expect(Array.isArray(document.errors)).toBe(true);
        },
      ),
      { numRuns: 2000 },
    );
  });
});
