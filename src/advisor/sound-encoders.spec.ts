import { describe, expect, it } from '@jest/globals';
import { parseAllocatorConfig } from '../memory/allocator/config.js';
import { replay } from '../memory/allocator/replay.js';
import { simulate } from '../memory/simulate.js';
import { tinyRun } from '../memory/tiny-run.spec-data.js';
import { architectureOf } from '../model/architecture.js';
import { resolvedModelOf } from '../model/catalog.js';
import type { Precision } from '../run/training-run.js';
import { loadFacts } from './facts.js';

const facts = loadFacts();

const soundEncoder = (name: string): ReturnType<typeof architectureOf> => {
  const { row } = facts.models.find(name);
  if (row === null) throw new Error(`${name} is not in the catalog`);
  return architectureOf(resolvedModelOf(row), 'speech');
};

/**
 * Wav2Vec2ForCTC of transformers 4.57 with its feature encoder frozen, four recordings of ten seconds and AdamW, run on fake
 * tensors with the tools of the shared oracle; the loss of CTC taken as a sum.
 */
const RECORDED: readonly (readonly [string, Precision, 'none' | 'full', number])[] = [
  ['facebook/wav2vec2-base', 'fp32', 'none', 2_490_728_448],
  ['facebook/wav2vec2-base', 'amp-fp16', 'none', 2_234_180_608],
  ['facebook/wav2vec2-base', 'amp-fp16', 'full', 1_856_269_312],
  ['facebook/wav2vec2-large-lv60', 'fp32', 'none', 7_375_623_168],
  ['facebook/wav2vec2-large-lv60', 'amp-fp16', 'none', 6_751_096_832],
  ['facebook/wav2vec2-large-lv60', 'amp-fp16', 'full', 6_253_313_024],
];

describe('encoders of sound, trained with CTC', () => {
  it.each(RECORDED)(
    '%s in %s, checkpointing %s, peaks where the real one does',
    (name, precision, checkpointing, peak) => {
      const run = tinyRun({
        task: 'speech',
        sequenceLength: 160_000,
        microBatchSize: 4,
        precision,
        activationCheckpointing: checkpointing,
        optimizer: { name: 'adamw', implementation: 'foreach', momentum: 0, weightDecay: 0.01, amsgrad: false },
      });
      const options = { iterations: 2, gradientAddition: 'out-of-place', computeCapability: 8 } as const;
      const { peakAllocatedBytes } = replay(
        simulate(run, soundEncoder(name), options),
        parseAllocatorConfig('').config,
      );
      expect(Math.abs(peakAllocatedBytes / peak - 1)).toBeLessThan(0.003);
    },
  );

  it.each([
    ['facebook/wav2vec2-large-xlsr-53', 'wav2vec2', 315_471_520],
    ['facebook/hubert-base-ls960', 'hubert', 94_396_320],
  ])('%s is a %s with the parameters of its class', (name, modelType, expected) => {
    expect(facts.models.find(name).row).toMatchObject({ modelType });
    expect(soundEncoder(name).parameterCount).toBe(expected);
  });

  it('has its feature encoder frozen', () => {
    const frozen = soundEncoder('facebook/wav2vec2-base').parameters.filter((parameter) => parameter.frozen);
    expect(frozen.length).toBeGreaterThan(0);
    expect(frozen.every(({ path }) => path.includes('feature_extractor'))).toBe(true);
  });
});
