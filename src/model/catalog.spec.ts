import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { loadFacts } from '../advisor/facts.js';

const { models } = loadFacts();

const idOf = (name: string): string | undefined => models.find(name).row?.id;

describe('model catalog', () => {
  it.each([
    ['gpt2', 'openai-community/gpt2'],
    ['meta-llama/Llama-3.1-8B-Instruct', 'meta-llama/Llama-3.1-8B'],
    ['META-LLAMA/llama-2-7b-CHAT-hf', 'meta-llama/Llama-2-7b-hf'],
    ['/mnt/models/llama-3-8b/', 'meta-llama/Meta-Llama-3-8B'],
    ['TheBloke/Llama-2-7B-GPTQ', 'meta-llama/Llama-2-7b-hf'],
    ['bert_base_uncased', 'google-bert/bert-base-uncased'],
    ['resnet50', 'resnet50'],
  ])('finds %s as %s', (name, id) => {
    expect(idOf(name)).toBe(id);
  });

  it('takes the library from the name where it is written', () => {
    expect(models.find('timm/resnet50').row?.modelType).toBe('timm');
    expect(models.find('torchvision.models.resnet50').row?.modelType).toBe('torchvision');
  });

  it.each([
    ['yolox_l_8x8_300e_coco', 'yolox_l_8xb8-300e_coco'],
    ['configs/fcos/fcos_r101_caffe_fpn_gn-head_1x_coco.py', 'fcos_r101-caffe_fpn_gn-head-1x_coco'],
    ['COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml', 'faster_rcnn_R_50_FPN'],
  ])('finds the configuration %s as %s', (name, id) => {
    expect(idOf(name)).toBe(id);
  });

  it('takes the classes of a configuration from the data set in its name', () => {
    expect(models.find('pspnet_r50-d8_4xb4-80k_potsdam-512x512').row?.config['num_classes']).toBe(6);
    expect(models.find('faster_rcnn_r50_fpn_1x_voc0712').row?.config['num_classes']).toBe(20);
  });

  it('offers the closest names for a misspelt one', () => {
    const lookup = models.find('meta-llama/Lama-2-7b');
    expect(lookup.row).toBeNull();
    expect(lookup.row === null && lookup.closest).toContain('meta-llama/Llama-2-7b-hf');
  });

  it('offers nothing for a name that resembles none', () => {
    expect(models.closest('zzzzqqqqxxxxyyyywwww', 3)).toEqual([]);
  });

  it('knows parameter counts of published models', () => {
    expect(models.find('gpt2').row?.params).toBe(124_439_808);
    expect(models.find('meta-llama/Llama-2-7b-hf').row?.params).toBe(6_738_415_616);
    expect(models.find('torchvision/resnet50').row?.params).toBe(25_557_032);
  });

  it('names the sources of every row', () => {
    expect(models.rows.filter((row) => row.sources.length === 0)).toEqual([]);
  });

  it('answers any text, in bounded time', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 5000 }), (name) => {
        const lookup = models.find(name);
        expect(lookup.row !== null || lookup.closest.length <= 3).toBe(true);
      }),
      { numRuns: 50 },
    );
  });
});
