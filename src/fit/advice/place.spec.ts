import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { SourcePlace } from '../../run/setting.js';
import type { Documents } from './place.js';
import { spokenAt } from './place.js';

const script = 'torchrun train.py \\\n  --epochs 3 \\\n  --batch="16" -n 4';
const yaml = 'model: gpt2\ntraining:\n  batch_size: 8\n';
const documents: Documents = {
  manifest: {
    spec: {
      args: ['--epochs', '3', '--batch=16', 'data'],
      env: [{ name: 'BATCH_SIZE', value: '32' }],
      command: ['bash', '-c', script],
      replicas: 2,
    },
  },
  configMap: (name) => (name === 'settings' ? { 'run.yaml': yaml } : undefined),
};

const at = (path: string, text: string, start?: number): SourcePlace => ({
  document: 'manifest',
  path,
  text,
  ...(start === undefined ? {} : { span: { start, end: start + text.length } }),
});

describe('a value in the words of the person', () => {
  it.each<[string, SourcePlace, string]>([
    ['the word after a flag', at('spec.args[1]', '3'), '--epochs '],
    ['behind an equals sign', at('spec.args[2]', '16', 8), '--batch='],
    ['a word without a flag', at('spec.args[3]', 'data'), ''],
    ['a variable of the environment', at('spec.env[0].value', '32'), 'BATCH_SIZE='],
    ['in a script', at('spec.command[2]', '3', script.indexOf('3')), '--epochs '],
    ['in a script, quoted', at('spec.command[2]', '16', script.indexOf('16')), '--batch='],
    ['in a script, after a short flag', at('spec.command[2]', '4', script.lastIndexOf('4')), '-n '],
  ])('%s', (_, place, introduction) => {
    expect(spokenAt(place, documents)).toMatchObject({ introduction, text: place.text });
  });

  it('in a file alongside', () => {
    const start = yaml.indexOf('8');
    const place = { document: 'configmap/settings/run.yaml', path: '', text: '8', span: { start, end: start + 1 } };
    const spoken = spokenAt(place, documents);
    expect(spoken?.introduction).toBe('batch_size: ');
    expect(spoken?.patch('4')).toEqual({ document: place.document, path: '', span: place.span, from: '8', to: '4' });
  });

  it.each<[string, SourcePlace]>([
    ['a path that leads nowhere', at('spec.args[9]', '3')],
    ['a path that is none', at('spec..args[', '3')],
    ['inherited names', at('spec.constructor', 'x')],
    ['an object', at('spec.env', 'x')],
    ['another text than was read', at('spec.args[1]', '4')],
    ['a file that was not given', { document: 'configmap/other/run.yaml', path: '', text: '8' }],
    ['a document of another kind', { document: 'file/etc/passwd', path: '', text: 'root' }],
  ])('%s gives nothing', (_, place) => {
    expect(spokenAt(place, documents)).toBeNull();
  });

  it('never throws, and patches only what stands there', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), fc.nat(50), fc.nat(50), (path, text, start, length) => {
        const spoken = spokenAt({ ...at(path, text), span: { start, end: start + length } }, documents);
        if (spoken !== null) expect(text).toContain(spoken.patch('x').from);
      }),
    );
  });
});
