import { describe, expect, it } from '@jest/globals';
import { run as runOf } from '../../../test/builders/run.js';
import { loadFacts } from '../../advisor/facts.js';
import type { RoleRun } from '../../run/device-runs.js';
import { ALONE } from '../../run/device-runs.js';
import type { RunValues } from '../../run/training-run.js';
import { estimateTogether } from './shared-device.js';

const facts = loadFacts();
const GIB = 2 ** 30;
const A100 = { model: 'NVIDIA A100-SXM4-80GB', vendor: 'nvidia', computeCapability: 8, usableBytes: 79 * GIB } as const;
const named = (name: string): RunValues['model'] => ({ name, catalogId: null, config: null });

const denoiser: RoleRun = {
  role: 'denoiser',
  run: runOf({
    model: named('Lightricks/LTX-Video'),
    task: 'diffusion',
    microBatchSize: 1,
    imageSize: [512, 768],
    frames: 49,
    sequenceLength: 128,
    precision: 'amp-bf16',
    weights: 'bf16',
    activationCheckpointing: 'full',
  }),
};
const encoder = (role: string, name: string, changes: Partial<RunValues> = {}): RoleRun => ({
  role,
  run: runOf({
    model: named(name),
    task: 'encoding',
    activity: 'forward',
    microBatchSize: 1,
    imageSize: [512, 768],
    frames: 49,
    sequenceLength: 128,
    precision: 'bf16',
    ...changes,
  }),
});
const allocated = (...runs: RoleRun[]): number =>
  estimateTogether({ runs, device: A100, facts }).together.allocatedBytes.expected;

/** Elements of T5's encoder and of the VAE of LTX-Video. */
const [T5, VAE] = [4_762_310_656, 419_193_649];

describe('encoders beside a denoiser', () => {
  it('are held with all their weights, the decoder of the VAE too', () => {
    const alone = allocated(denoiser);
    const both = allocated(denoiser, encoder('vae', 'vae-ltx'), encoder('text-encoder', 't5-xxl-encoder'));
    expect(both - alone).toBeGreaterThanOrEqual(2 * (T5 + VAE));
    expect(both - alone).toBeLessThan(2 * (T5 + VAE) * 1.35);
  });

  it('count at their own turn alone where they leave before the denoiser comes', () => {
    const turn = (when: RunValues['sharing']['turn']): Partial<RunValues> => ({ sharing: { ...ALONE, turn: when } });
    const [placing, training, always] = (['before-placing', 'before-training', 'apart'] as const).map((when) =>
      allocated(denoiser, encoder('text-encoder', 't5-xxl-encoder', turn(when))),
    ) as [number, number, number];
    const [alone, own] = [allocated(denoiser), allocated(encoder('text-encoder', 't5-xxl-encoder'))];
    expect(placing / Math.max(alone, own)).toBeCloseTo(1, 3);
    expect(training).toBeGreaterThan(2 * T5);
    expect(training).toBeLessThan(always);
  });

  it('take twice as much in fp32', () => {
    const half = allocated(denoiser, encoder('text-encoder', 't5-xxl-encoder'));
    const whole = allocated(denoiser, encoder('text-encoder', 't5-xxl-encoder', { precision: 'fp32' }));
    expect((whole - half) / (2 * T5)).toBeGreaterThan(0.99);
    expect((whole - half) / (2 * T5)).toBeLessThan(1.02);
  });
});
