import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { readConfigurationName } from './configuration-names.js';

const strict = (name: string): string => readConfigurationName(name).strict;
const loose = (name: string): string => readConfigurationName(name).loose;

describe('names of training configurations', () => {
  it.each([
    ['yolox_l_8x8_300e_coco', 'yolox_l_8xb8-300e_coco'],
    ['scnet_r50_fpn_coco', 'scnet_r50_fpn_1x_coco'],
    ['detr_r50_8xb2_coco', 'detr_r50_8xb2-150e_coco'],
    ['faster_rcnn_r50_fpn_1x_coco', 'faster-rcnn_r50_fpn_2x_coco'],
    ['retinanet_x101_32x4d_fpn_1x_coco', 'retinanet_x101-32x4d_fpn_1x_coco'],
    ['fcn_r50-d8_512x512_20k_voc12aug', 'fcn_r50-d8_4xb4-20k_voc12aug-512x512'],
    ['mask_rcnn_R_50_FPN_3x.yaml', 'mask_rcnn_R_50_FPN_1x'],
    ['configs/e2e_faster_rcnn_R_101_FPN_1x.yaml', 'faster_rcnn_R_101_FPN_3x'],
  ])('%s is %s', (older, newer) => {
    expect(strict(older)).toBe(strict(newer));
  });

  it.each([
    ['slowonly_imagenet_pretrained_r50_8x8x1_150e_kinetics400_rgb', 'slowonly_r50_8xb16-8x8x1-256e_kinetics400-rgb'],
    ['mask_rcnn_r50_fpn_mstrain-poly_3x_coco', 'mask-rcnn_r50_fpn_ms-poly-2x_coco'],
    ['yolov8_x_mask-refine_syncbn_fast_8xb16_coco', 'yolov8_x_syncbn_fast_8xb16-500e_coco'],
  ])('%s has the layers of %s', (one, other) => {
    expect(loose(one)).toBe(loose(other));
  });

  it.each([
    ['faster-rcnn_r50_fpn_1x_coco', 'faster-rcnn_r101_fpn_1x_coco'],
    ['fast-rcnn_r50_fpn_1x_coco', 'faster-rcnn_r50_fpn_1x_coco'],
    ['ms-rcnn_r50-caffe_fpn_1x_coco', 'faster-rcnn_r50-caffe_fpn_1x_coco'],
    ['faster_rcnn_R_50_FPN_1x', 'faster_rcnn_r50_fpn_1x_coco'],
    ['slowonly_r50_8xb16-8x8x1-256e_kinetics400-rgb', 'slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb'],
    ['x101-32x4d', 'x101-64x4d'],
  ])('%s is another model than %s', (one, other) => {
    expect(loose(one)).not.toBe(loose(other));
  });

  it('tells polygons from bitmaps, and yet knows that the layers are the same', () => {
    const [polygons, bitmaps] = ['mask_rcnn_r50_fpn_mstrain-poly_3x_coco', 'mask-rcnn_r50_fpn_2x_coco'].map(
      readConfigurationName,
    );
    expect(polygons!.loose).not.toBe(bitmaps!.loose);
    expect(polygons!.loosest).toBe(bitmaps!.loosest);
  });

  it('takes the number of classes from the data set', () => {
    expect(readConfigurationName('pspnet_r50-d8_4xb4-80k_loveda-512x512').classes).toBe(7);
    expect(readConfigurationName('fcn_r50-d8_4xb4-40k_pascal-context-59-480x480').classes).toBe(59);
    expect(readConfigurationName('tsn_r50_8xb32-1x1x8-50e_sthv2-rgb').classes).toBe(174);
    expect(readConfigurationName('faster_rcnn_R_50_FPN_1x').classes).toBeNull();
  });

  it('answers any text', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 4000 }), (name) => {
        expect(readConfigurationName(name).strict.length).toBeLessThanOrEqual(4000);
      }),
    );
  });
});
