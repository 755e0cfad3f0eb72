import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { runValuesSchema } from '../../run/training-run.js';
import { manifestOfRun, runFieldsOf } from './described-run.js';

describe('a run described by flags', () => {
  it('becomes fields of the training run', () => {
    const fields = runFieldsOf(
      {
        model: 'gpt2',
        microBatch: '8',
        imageSize: '224x320',
        optimizer: 'adamw:fused',
        lora: '16',
        sharding: 'fsdp-full',
      },
      4,
    );
    expect(fields).toEqual({
      model: 'gpt2',
      microBatchSize: 8,
      imageSize: [224, 320],
      processesPerNode: 4,
      optimizer: { name: 'adamw', implementation: 'fused' },
      peft: { method: 'lora', rank: 16 },
      parallelism: { sharding: 'fsdp-full' },
    });
    for (const field of Object.keys(fields)) expect(Object.keys(runValuesSchema.shape)).toContain(field);
  });

  it.each([
    [{ microBatch: 'four' }, '--micro-batch four is no whole number'],
    [{ imageSize: '224*224' }, '--image-size 224*224 is not understood'],
    [{ run: 'no/such/file.yaml' }, 'no/such/file.yaml does not exist or cannot be read'],
  ])('%j is refused in words', (described, words) => {
    expect(() => runFieldsOf(described, 1)).toThrow(words);
  });

  it('goes into a pod as a declaration', () => {
    const { metadata } = manifestOfRun({ model: 'gpt2' }, 2) as { metadata: { annotations: Record<string, string> } };
    expect(parse(metadata.annotations['plimsoll.dev/run'] ?? '')).toEqual({ model: 'gpt2' });
  });
});
