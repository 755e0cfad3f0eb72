import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../../advisor/facts.js';
import { INHERITED } from '../../run/device-runs.js';
import { RunDraft } from '../run-draft.js';
import { pipelinePartsOf, readResidents } from './diffusion-parts.js';

const facts = loadFacts();
const namesOf = (name: string): (string | null)[] => {
  const parts = pipelinePartsOf(name);
  return parts === null ? [] : [parts.vae, ...parts.textEncoders.map((one) => one.name)];
};

describe('the parts of a pipeline', () => {
  it.each([
    ['runwayml/stable-diffusion-v1-5', ['vae-kl-4', 'clip-vit-l-text']],
    ['stabilityai/stable-diffusion-2-1', ['vae-kl-4', 'clip-vit-h-text']],
    ['/models/sdxl.safetensors', ['vae-kl-4', 'clip-vit-l-text', 'clip-vit-bigg-text']],
    [
      'stabilityai/stable-diffusion-3.5-large',
      ['vae-kl-16', 'clip-vit-l-text', 'clip-vit-bigg-text', 't5-xxl-encoder'],
    ],
    ['black-forest-labs/FLUX.1-dev', ['vae-kl-16', 'clip-vit-l-text', 't5-xxl-encoder']],
    ['black-forest-labs/FLUX.2-klein-4B', ['vae-flux2', 'qwen-3-4b-text']],
    ['hunyuanvideo-community/HunyuanVideo', ['vae-hunyuan-video', 'llama-3-8b-text', 'clip-vit-l-text']],
    ['Wan-AI/Wan2.1-T2V-14B-Diffusers', [null, 'umt5-xxl-encoder']],
    ['somebody/unknown-denoiser', []],
  ])('of %s are those of its release', (name, parts) => {
    expect(namesOf(name)).toEqual(parts);
  });

  it('are in the catalog', () => {
    for (const name of [
      'flux',
      'sd3',
      'sdxl',
      'sd-2',
      'sd-1.5',
      'sana',
      'auraflow',
      'ltx',
      'hunyuanvideo',
      'wan2.1',
      'cogview4',
    ])
      for (const part of namesOf(name).filter((one) => one !== null))
        expect(facts.models.find(part).row?.id).toBe(part);
  });
});

describe('encoders that stay on the device', () => {
  const flux = (): RunDraft => {
    const draft = new RunDraft();
    draft.default('model', { name: 'black-forest-labs/FLUX.1-dev', catalogId: null, config: null }, { of: 'test' });
    draft.default('imageSize', [512, 512], { of: 'test' });
    return draft;
  };

  it('are further runs that encode what the denoiser is trained on, each in its own type', () => {
    const draft = flux();
    readResidents(draft, { of: 'test', vae: 'fp32', text: 'bf16', note: 'encodes each batch' });
    expect([...draft.besides.keys()]).toEqual(['vae', 'text-encoder', 'text-encoder-2']);
    expect(draft.role).toBe('denoiser');
    const [vae, clip, t5] = [...draft.besides.values()] as [RunDraft, RunDraft, RunDraft];
    expect([vae, clip, t5].map((one) => one.value('precision'))).toEqual(['fp32', 'bf16', 'bf16']);
    expect([vae, clip, t5].map((one) => one.value('activity'))).toEqual(['forward', 'forward', 'forward']);
    // Left unsaid, it is the denoiser's: the run is made of both.
    expect([vae.value('imageSize'), INHERITED.includes('imageSize')]).toEqual([undefined, true]);
    expect([clip.value('sequenceLength'), t5.value('sequenceLength')]).toEqual([77, undefined]);
  });

  it('leave the run alone where all is made beforehand', () => {
    const draft = flux();
    readResidents(draft, { of: 'test', vae: null, text: null, note: 'cached' });
    expect(draft.besides.size).toBe(0);
    expect(draft.role).toBe('model');
  });
});
