import { beforeAll, describe, expect, it } from '@jest/globals';
import { installedGrammars, job, readManifest, setting } from '../../../test/builders/launch.js';
import { loadFacts } from '../../advisor/facts.js';
import { estimateTogether } from '../../memory/sharing/shared-device.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const LTX = [
  '--model_name=ltx_video',
  '--pretrained_model_name_or_path=Lightricks/LTX-Video',
  '--training_type=lora',
  '--rank=128',
  '--video_resolution_buckets',
  '49x512x768',
  '--gradient_checkpointing',
];
const read = (...flags: string[]): RunReading[] =>
  readManifest(job({ command: ['accelerate', 'launch', 'train.py', ...LTX, ...flags] }), grammars);

describe('finetrainers', () => {
  it('trains a denoiser beside the encoders of its pipeline', () => {
    const [denoiser, ...encoders] = read();
    expect(denoiser?.role).toBe('denoiser');
    expect(setting(denoiser, 'imageSize')).toMatchObject({ value: [512, 768], evidence: { kind: 'read' } });
    expect(setting(denoiser, 'frames')).toMatchObject({ value: 49 });
    expect(setting(denoiser, 'peft.rank')).toMatchObject({ value: 128 });
    expect(encoders.map(({ role, run }) => [role, run?.model.value?.name, run?.sharing.turn.value])).toEqual([
      ['vae', 'vae-ltx', 'apart'],
      ['text-encoder', 't5-xxl-encoder', 'apart'],
    ]);
  });

  it('has them leave before the model comes where conditions are made beforehand', () => {
    const turns = read('--precompute_conditions').slice(1);
    expect(turns.map(({ run }) => run?.sharing.turn.value)).toEqual(['before-placing', 'before-placing']);
  });

  it('is estimated with them, from the manifest', () => {
    const facts = loadFacts();
    const device = { model: 'NVIDIA A100-SXM4-80GB', vendor: 'nvidia', computeCapability: 8 } as const;
    const reserved = (readings: readonly RunReading[]): number => {
      const runs = readings.flatMap(({ role, run }) => (run === null ? [] : [{ role, run }]));
      return estimateTogether({ runs, device, facts }).together.reservedBytes.expected / 2 ** 30;
    };
    const [resident, before] = [reserved(read()), reserved(read('--precompute_conditions'))];
    // Elements of T5's encoder and of the VAE, in 16 bits, and what they work with
    expect(resident).toBeGreaterThan(((4_762_310_656 + 419_193_649 + 1_923_385_472) * 2) / 2 ** 30);
    expect(before).toBeGreaterThan((4_762_310_656 * 2) / 2 ** 30);
    expect(before).toBeLessThan(resident);
  });
});
