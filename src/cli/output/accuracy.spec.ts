import { describe, expect, it } from '@jest/globals';
import { accuracyText } from './accuracy.js';

const MIB = 2 ** 20;
const row = {
  cluster: 'here',
  framework: 'pytorch',
  program: 'transformers',
  programVersion: '4.46.0',
  torch: '2.4.1',
  runs: 12,
  pods: 40,
  medianError: 0.031,
  errorSpread: 0.02,
  medianAbsoluteError: 0.04,
  withinInterval: 0.75,
  under: 0,
  outOfMemory: 1,
  outOfMemoryUnforeseen: 1,
};

describe('accuracy as people read it', () => {
  it('is a line for each program, and what was learned below', () => {
    const learned = {
      framework: 'pytorch',
      torch: '2.4',
      cuda: '12.1',
      deviceClass: 'NVIDIA L4',
      model: 'NVIDIA L4',
      bytes: { low: 240 * MIB, expected: 260 * MIB, high: 280 * MIB },
      runs: 9,
    };
    const nothing = { medianError: null, medianAbsoluteError: null, withinInterval: null, under: null };
    const other = { ...row, ...nothing, program: null, programVersion: null, torch: null, runs: 0, outOfMemory: 0 };
    const lines = accuracyText({ items: [row, other], learned: [learned] }).split('\n');
    expect(lines[0]).toMatch(/^CLUSTER +PROGRAM +TORCH +RUNS +MEDIAN ERROR/);
    expect(lines[1]).toMatch(
      /^here +transformers 4\.46\.0 +2\.4\.1 +12 +\+3\.1 % +4\.0 % +75\.0 % +0\.0 % +1 \(1 unforeseen\)$/,
    );
    expect(lines[2]).toMatch(/^here +pytorch +– +0 +– /);
    expect(lines.at(-2)).toBe('  PyTorch 2.4 with CUDA 12.1 on NVIDIA L4: 260 MiB (240–280), from 9 runs');
  });

  it('says that there is nothing yet', () => {
    expect(accuracyText({ items: [], learned: [] })).toMatch(/^No run/);
  });
});
