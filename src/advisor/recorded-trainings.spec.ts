import { describe, expect, it } from '@jest/globals';
import { parseAllocatorConfig } from '../memory/allocator/config.js';
import { replay } from '../memory/allocator/replay.js';
import { simulate } from '../memory/simulate.js';
import { tinyRun } from '../memory/tiny-run.spec-data.js';
import { architectureOf } from '../model/architecture.js';
import { resolvedModelOf } from '../model/catalog.js';
import type { Architecture } from '../model/definition.js';
import type { Task } from '../run/training-run.js';
import { loadFacts } from './facts.js';

const facts = loadFacts();

function architectureNamed(name: string, task: Task, image: [number, number]): Architecture {
  const { row } = facts.models.find(name);
  if (row === null) throw new Error(`${name} is not in the catalog`);
  return architectureOf({ ...resolvedModelOf(row), image }, task);
}

function peakOf(architecture: Architecture, image: [number, number], batch: number): number {
  const sgd = { name: 'sgd', implementation: 'foreach', momentum: 0.9, weightDecay: 0, amsgrad: false } as const;
  const run = tinyRun({ imageSize: image, sequenceLength: null, microBatchSize: batch, optimizer: sgd });
  const events = simulate(run, architecture, { iterations: 2, gradientAddition: 'in-place', computeCapability: 7 });
  return replay(events, parseAllocatorConfig('').config).peakAllocatedBytes;
}

describe('a training step recorded from a configuration of OpenMMLab, detectron2 or ultralytics', () => {
  const CASES: [string, Task, [number, number]][] = [
    ['fcn_r50-d8_4xb4-20k_voc12aug-512x512', 'segmentation', [480, 512]],
    ['pspnet_r18-d8_4xb4-80k_isaid-896x896', 'segmentation', [896, 896]],
    ['fpn_r50_4xb2-80k_cityscapes-512x1024', 'segmentation', [512, 1024]],
    ['atss_r101_fpn_1x_coco', 'detection', [800, 1333]],
    ['faster-rcnn_r50_fpn_32xb2-cas-1x_openimages', 'detection', [800, 1333]],
    ['yolox_s_8xb8-300e_coco', 'detection', [640, 640]],
    ['yolov8n', 'detection', [640, 640]],
    ['yolov10m', 'detection', [320, 640]],
    ['yolo11s', 'detection', [640, 640]],
    ['yolov9t', 'detection', [640, 640]],
    ['yolov5s', 'detection', [640, 640]],
    ['yolov8s-seg', 'segmentation', [640, 640]],
    ['yolov8s-pose', 'detection', [640, 640]],
    ['yolov8n-cls', 'image-classification', [224, 224]],
    ['faster_rcnn_R_50_FPN_1x', 'detection', [800, 1333]],
    ['mask_rcnn_R_101_C4_3x', 'detection', [800, 1333]],
    ['retinanet_R_50_FPN_3x', 'detection', [800, 1333]],
    ['maskrcnn_resnet50_fpn', 'detection', [800, 1333]],
    ['retinanet_resnet50_fpn', 'detection', [800, 1333]],
    ['ssd300_vgg16', 'detection', [300, 300]],
    ['deformable-detr_r50_16xb2-50e_coco', 'detection', [800, 1333]],
    ['dino-4scale_r50_8xb2-12e_coco', 'detection', [1250, 1333]],
    ['mask-rcnn_swin-t-p4-w7_fpn_ms-crop-3x_coco', 'detection', [1250, 1333]],
    ['densepose_rcnn_R_50_FPN_WC1_s1x', 'detection', [800, 1333]],
    ['cascade_mask_rcnn_mvitv2_l_in21k_50ep', 'detection', [1024, 1024]],
    ['yolov5_m-v61_syncbn_fast_8xb16-300e_coco', 'detection', [640, 640]],
    ['slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb', 'image-classification', [224, 224]],
  ];

  // Ground truths are matched image by image: of two images only, what that takes may be the peak, whatever the batch.
  it.each(CASES)('%s grows with the batch by the same bytes for each image', (name, task, image) => {
    const architecture = architectureNamed(name, task, image);
    const [four, eight, twelve] = [4, 8, 12].map((batch) => peakOf(architecture, image, batch)) as [
      number,
      number,
      number,
    ];
    expect(eight).toBeGreaterThan(1.3 * four);
    expect(Math.abs((twelve - eight) / (eight - four) - 1)).toBeLessThan(0.07);
  });

  it.each([
    ['fcn_r50-d8_4xb4-20k_voc12aug-512x512', 'mmseg'],
    ['atss_r101_fpn_1x_coco', 'mmdet'],
    ['yolov5_m-v61_syncbn_fast_8xb16-300e_coco', 'mmyolo'],
    ['slowonly_r50_8xb16-4x16x1-256e_kinetics400-rgb', 'mmaction'],
    ['mask_rcnn_R_101_C4_3x', 'detectron2'],
    ['yolov8n', 'ultralytics'],
    ['yolov5s', 'yolov5'],
  ])('%s is of %s', (name, modelType) => {
    expect(facts.models.find(name).row).toMatchObject({ modelType });
  });

  /** The package's own summaries of its models (`yolo info`). */
  it.each([
    ['yolov8n', 3_157_200],
    ['yolov8x', 68_229_648],
    ['yolo11n', 2_624_080],
    ['yolov5s', 7_235_389],
  ])('%s has the parameters that ultralytics counts', (name, expected) => {
    const { parameters } = architectureNamed(name, 'detection', [640, 640]);
    const counted = parameters.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0);
    expect(counted).toBe(expected);
  });

  it('is found by the name without its schedule', () => {
    expect(facts.models.find('fcn_r50-d8_4xb4_voc12aug-512x512').row?.id).toBe('fcn_r50-d8_4xb4-20k_voc12aug-512x512');
  });

  it('does not train the stages that its configuration freezes', () => {
    const { parameters } = architectureNamed('atss_r101_fpn_1x_coco', 'detection', [800, 1344]);
    const frozen = parameters.filter((parameter) => parameter.frozen).map(({ path }) => path);
    expect(frozen).toContain('backbone.conv1.weight');
    expect(frozen).toContain('backbone.layer1.0.conv1.weight');
    expect(frozen.filter((path) => !/^backbone\.(conv1|bn1|layer1)\./.test(path))).toEqual([]);
  });
});
