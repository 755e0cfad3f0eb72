import { readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';
import { UnsupportedModel } from '../unsupported-model.js';
import { SEGMENTATION_MODELS } from './segmentation.js';
import { TIMM_CLASSIFIERS, timm } from './timm.js';
import { TORCHVISION_CLASSIFIERS, torchvision } from './torchvision.js';

interface VisionRow {
  id: string;
  library: 'torchvision' | 'timm';
  kind: string;
  params: number;
  numClasses: number | null;
}

/** Counts that the libraries state or that were counted on instantiated models; the file names its sources. */
const { models } = JSON.parse(readFileSync('catalog/vision.json', 'utf8')) as { models: VisionRow[] };
const rows = (library: VisionRow['library'], names: object): [string, VisionRow][] =>
  models.filter((row) => row.library === library && Object.hasOwn(names, row.id)).map((row) => [row.id, row]);

describe('parameters of image models against the catalog', () => {
  it.each(rows('torchvision', TORCHVISION_CLASSIFIERS))('torchvision %s', (id, { params, numClasses }) => {
    expect(TORCHVISION_CLASSIFIERS[id]!(id, numClasses!).parameterCount).toBe(params);
  });

  it.each(rows('torchvision', SEGMENTATION_MODELS))('torchvision %s', (id, { params, numClasses }) => {
    const options = { classes: numClasses!, auxiliary: false };
    expect(SEGMENTATION_MODELS[id]!(id, options).parameterCount).toBe(params);
  });

  // Rows without classes are feature extractors: the head is what our classifier has on top.
  const classifiers = rows('timm', TIMM_CLASSIFIERS).filter(([, { numClasses }]) => numClasses !== 0);
  it.each(classifiers)('timm %s', (id, { params, numClasses }) => {
    expect(TIMM_CLASSIFIERS[id]!(id, numClasses ?? 1000).parameterCount).toBe(params);
  });

  // timm 1.0.31 has these without classes unless asked for some; counted there, on top of which is a head for 1000.
  it.each([
    ['vit_huge_patch14_224', 630_764_800, 1280],
    ['vit_large_patch32_224', 305_510_400, 1024],
    ['vit_small_patch8_224', 21_670_272, 384],
  ])('timm %s', (id, features, width) => {
    expect(TIMM_CLASSIFIERS[id]!(id, 1000).parameterCount).toBe(features + 1000 * (width + 1));
  });

  it('covers all classifiers of torchvision but those listed here', () => {
    const missing = models
      .filter(
        ({ library, kind, id }) =>
          library === 'torchvision' && kind === 'classification' && !(id in TORCHVISION_CLASSIFIERS),
      )
      .map(({ id }) => id);
    expect(missing).toEqual(['maxvit_t', 'swin_v2_b', 'swin_v2_s', 'swin_v2_t']);
  });
});

describe('an image model by name', () => {
  it('takes the number of classes from the configuration', () => {
    const config = { architecture: 'resnet18', num_classes: 10 };
    const { parameterCount } = torchvision(
      { name: 'resnet18', modelType: 'torchvision', config },
      'image-classification',
    );
    expect(parameterCount).toBe(11_689_512 - 990 * 513);
  });

  it('has an auxiliary head only where the configuration asks for one', () => {
    const count = (aux: boolean): number =>
      torchvision(
        { name: 'fcn_resnet50', modelType: 'torchvision', config: { architecture: 'fcn_resnet50', aux_loss: aux } },
        'segmentation',
      ).parameterCount;
    expect(count(true) - count(false)).toBe(2_365_205);
  });

  it('does not take a network of torchvision for one of timm that differs', () => {
    const resolve = (): unknown => timm({ name: 'googlenet', modelType: 'timm', config: {} });
    expect(resolve).toThrow(UnsupportedModel);
  });

  it.each(['vit_base_patch32_448', 'vit_base_patch32_clip_448'])(
    'does not make up a transformer that timm has not, or has otherwise: %s',
    (name) => {
      expect(() => timm({ name, modelType: 'timm', config: {} })).toThrow(UnsupportedModel);
    },
  );

  it('does not segment with a classifier', () => {
    const resolve = (): unknown => torchvision({ name: 'vgg16', modelType: 'torchvision', config: {} }, 'segmentation');
    expect(resolve).toThrow('not covered for segmentation');
  });

  it('refuses a name that it does not know', () => {
    const resolve = (): unknown =>
      torchvision({ name: 'toString', modelType: 'torchvision', config: {} }, 'segmentation');
    expect(resolve).toThrow(UnsupportedModel);
  });
});
