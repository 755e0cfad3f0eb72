import { describe, expect, it } from '@jest/globals';
import { readDocuments } from './documents.js';
import type { DocumentChange } from './text-edits.js';
import { edited } from './text-edits.js';

/** The text after changes of its first manifest. */
function after(text: string, ...changes: readonly DocumentChange[]): string {
  const [document] = readDocuments(text, 'm.yaml');
  const edits = changes.map((change) => {
    const edit = document?.edit(change) ?? 'no document';
    if (typeof edit === 'string') throw new Error(edit);
    return edit;
  });
  return edited(text, edits);
}

const BLOCK = `# a Job
kind: Job
spec:
  containers:
    - name: main # the one
      args:
        - --batch   # of each device
        - "8"
      command: ["python", "train.py"]
      resources: { limits: { nvidia.com/gpu: 1 } }
`;

describe('edits of the text', () => {
  it('replace a value and leave comments and layout', () => {
    const change = { kind: 'replace', path: 'spec.containers[0].args[1]', from: '8', to: '4' } as const;
    expect(after(BLOCK, change)).toBe(BLOCK.replace('"8"', '"4"'));
  });

  it('put items into a block list and a flow list', () => {
    const block = { kind: 'insert', path: 'spec.containers[0].args[2]', items: ['--steps', '2'] } as const;
    expect(after(BLOCK, block)).toBe(BLOCK.replace('- "8"\n', '- "8"\n        - --steps\n        - "2"\n'));
    const flow = { kind: 'insert', path: 'spec.containers[0].command[2]', items: ['--steps', '2'] } as const;
    expect(after(BLOCK, flow)).toBe(BLOCK.replace('"train.py"]', '"train.py", "--steps", "2"]'));
  });

  it('put a member into a block map and a flow map', () => {
    const value = [{ name: 'A', value: '1' }];
    expect(after(BLOCK, { kind: 'add', path: 'spec.containers[0].env', value })).toBe(
      BLOCK.replace('      resources', '      env:\n        - name: A\n          value: "1"\n      resources'),
    );
    expect(after(BLOCK, { kind: 'add', path: 'spec.containers[0].resources.limits.cpu', value: 4 })).toBe(
      BLOCK.replace('gpu: 1 }', 'gpu: 1, "cpu": 4 }'),
    );
  });

  it('put a member before a key that a comment does not belong to', () => {
    const text = 'kind: Job\n# why\nspec: {}\n';
    expect(after(text, { kind: 'add', path: 'note', value: 'x' })).toBe('note: x\nkind: Job\n# why\nspec: {}\n');
  });

  it('rename a key', () => {
    const path = 'spec.containers[0].resources.limits["nvidia.com/gpu"]';
    expect(after(BLOCK, { kind: 'rename', path, to: 'nvidia.com/mig-3g.40gb' })).toBe(
      BLOCK.replace('nvidia.com/gpu', 'nvidia.com/mig-3g.40gb'),
    );
  });

  it('reach into folded and literal blocks', () => {
    const text = 'kind: Job\ncommand: >-\n  train --batch 8\n  --steps 2\nscript: |\n  train --batch 8\n';
    const folded = { kind: 'replace', path: 'command', span: { start: 24, end: 25 }, from: '2', to: '4' } as const;
    expect(after(text, folded)).toBe(text.replace('steps 2', 'steps 4'));
    const literal = { kind: 'replace', path: 'script', span: { start: 15, end: 15 }, from: '', to: ' --fp16' } as const;
    expect(after(text, literal)).toBe(text.replace('batch 8\n', 'batch 8\n').replace(/8\n$/, '8 --fp16\n'));
  });

  it('keep further lines of a literal block as far in as the first', () => {
    const text = 'data:\n  a.yaml: |\n    batch: 8\n    steps: 2\n  b: 1\n';
    const change = {
      kind: 'replace',
      path: 'data["a.yaml"]',
      span: { start: 8, end: 8 },
      from: '',
      to: '\nfp16: true',
    };
    expect(after(text, change as DocumentChange)).toBe(text.replace('batch: 8\n', 'batch: 8\n    fp16: true\n'));
  });

  it.each([
    ['a double-quoted text', '"train --batch 8"', '"train --batch 8 --fsdp \\"full_shard auto_wrap\\""'],
    ['a single-quoted text', "'train --batch 8'", `'train --batch 8 --fsdp "full_shard auto_wrap"'`],
    ['a plain text', 'train --batch 8', 'train --batch 8 --fsdp "full_shard auto_wrap"'],
  ])('read as what was put in, in %s', (_where, before, now) => {
    const text = `args:\n  - ${before} # why\n`;
    const to = ' --fsdp "full_shard auto_wrap"';
    const change = { kind: 'replace', path: 'args[0]', span: { start: 15, end: 15 }, from: '', to } as const;
    expect(after(text, change)).toBe(text.replace(before, now));
    expect(readDocuments(after(text, change), 'm.yaml')[0]?.manifest).toEqual({ args: [`train --batch 8${to}`] });
  });

  it('say why there are none', () => {
    const [plain] = readDocuments('args: [train]\n', 'm.yaml');
    const listed = { kind: 'replace', path: 'args[0]', from: 'train', to: 'a, b' } as const;
    expect(plain?.edit(listed)).toContain('cannot be written without quotes');
    const [document] = readDocuments('kind: Job\ntext: "a\\tb"\nlist: null\n', 'm.yaml');
    expect(document?.edit({ kind: 'replace', path: 'text', from: 'a', to: 'b' })).toContain('escapes');
    expect(document?.edit({ kind: 'replace', path: 'kind', from: 'Pod', to: 'b' })).toBe('kind: it is not Pod');
    expect(document?.edit({ kind: 'insert', path: 'list[0]', items: [1] })).toContain('no place');
    expect(document?.edit({ kind: 'add', path: 'kind', value: 1 })).toContain('no place');
  });

  it('make the same change in JSON', () => {
    const text = '{"kind": "Job", "args": ["--batch", "8"], "spec": {}}';
    const items = ['--steps', '2'];
    expect(after(text, { kind: 'insert', path: 'args[2]', items }, { kind: 'add', path: 'spec.env', value: [] })).toBe(
      '{"kind": "Job", "args": ["--batch", "8", "--steps", "2"], "spec": {"env": []}}',
    );
  });
});
