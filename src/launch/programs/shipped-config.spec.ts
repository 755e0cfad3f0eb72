import { beforeAll, describe, expect, it } from '@jest/globals';
import { installedGrammars, job, readManifest, setting, settings } from '../../../test/builders/launch.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';
import { shippedConfig } from './shipped-config.js';
import { SHIPPED_CONFIGS } from './shipped-configs.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const read = (...command: string[]): RunReading | undefined => readManifest(job({ command, gpus: 4 }), grammars)[0];

describe('configurations that ship with the packages', () => {
  it.each(Object.keys(SHIPPED_CONFIGS) as (keyof typeof SHIPPED_CONFIGS)[])(
    'of %s say something sound each',
    (library) => {
      const names = SHIPPED_CONFIGS[library]
        .split('\n')
        .flatMap((line) => (line === '' ? [] : [line.split(' ')[0] ?? '']));
      expect(names.length).toBeGreaterThan(50);
      for (const name of names) {
        const { images, size } = shippedConfig(library, name)!;
        expect([name, images === null || images >= 1]).toEqual([name, true]);
        for (const side of size === null ? [] : [...size.value, ...(size.range?.low ?? [])])
          expect([name, side >= 32 && side <= 4096]).toEqual([name, true]);
      }
    },
  );

  it('are as they were written', () => {
    expect(shippedConfig('mmdet', 'atss_r18_fpn_8xb8-amp-lsj-200e_coco')).toEqual({
      images: 8,
      size: { value: [1024, 1024] },
      optimizer: 'sgd',
      precision: 'amp-fp16',
      ema: false,
      checkpointsBackbone: false,
      accumulation: 1,
    });
    expect(shippedConfig('mmyolo', 'ppyoloe_l_fast_8xb20-300e_coco')).toMatchObject({
      images: 20,
      size: { value: [800, 800], range: { low: [320, 320], high: [800, 800] } },
      ema: true,
    });
    expect(shippedConfig('detectron2', 'fast_rcnn_R_50_FPN_1x')).toMatchObject({
      images: 16,
      size: { value: [800, 1344], range: { low: [640, 1088] } },
    });
    expect(shippedConfig('mmdet', 'detr_r50_8xb2-150e_coco')).toMatchObject({
      size: { value: [1280, 1344], range: { low: [800, 1344], high: [1280, 1344] } },
    });
    expect(shippedConfig('mmdet', 'constructor')).toBeNull();
  });

  it('are read by the name of the file, and what is written beside it wins', () => {
    const path = 'configs/atss/atss_r18_fpn_8xb8-amp-lsj-200e_coco.py';
    const told = settings(read('python', 'tools/train.py', path), 'microBatchSize', 'imageSize', 'precision', 'task');
    expect(told).toEqual({ microBatchSize: 8, imageSize: [1024, 1024], precision: 'amp-fp16', task: 'detection' });
    const own = read('python', 'tools/train.py', path, '--cfg-options', 'train_dataloader.batch_size=3');
    expect(setting(own, 'microBatchSize')).toMatchObject({ value: 3, evidence: { place: { text: '3' } } });
  });

  it('of detectron2 count the images of all devices', () => {
    const words = ['--num-gpus', '4', '--config-file', 'configs/COCO-Detection/faster_rcnn_R_101_C4_3x.yaml'];
    expect(settings(read('python', 'tools/train_net.py', ...words), 'globalBatchSize', 'microBatchSize')).toEqual({
      globalBatchSize: 16,
      microBatchSize: 4,
    });
  });

  it('of detectron2 have the classes of the data set that their folder is for', () => {
    const path = 'configs/LVISv1-InstanceSegmentation/mask_rcnn_R_50_FPN_1x.yaml';
    const reading = read('python', 'tools/train_net.py', '--num-gpus', '4', '--config-file', path);
    expect(setting(reading, 'numClasses')).toMatchObject({ value: 1203 });
  });
});

describe('SimpleTuner', () => {
  const FLAGS = ['--model_family=flux', '--model_type=lora', '--base_model_precision=int8-quanto'];

  it('is known by its own flags, whatever its script is called', () => {
    const reading = read('accelerate', 'launch', 'train.py', ...FLAGS, '--resolution=0.5', '--resolution_type=area');
    expect(settings(reading, 'model', 'quantization', 'peft.rank', 'imageSize', 'task')).toMatchObject({
      model: { name: 'black-forest-labs/FLUX.1-dev' },
      quantization: 'int8',
      'peft.rank': 16,
      imageSize: [704, 704],
      task: 'diffusion',
    });
  });

  it('names what keeps its memory from being known', () => {
    const reading = read('simpletuner', 'train', ...FLAGS, '--lora_type=lycoris', '--enable_group_offload=true');
    expect(reading?.unknown.map(({ field }) => field)).toEqual(['peft.method', 'offload.parameters']);
  });
});

describe('Keras', () => {
  it('is read, and said not to be worked out', () => {
    const source = `import tensorflow as tf
model = tf.keras.applications.Xception(input_shape=(128, 128, 3))
model.compile(optimizer=tf.keras.optimizers.SGD(0.1))
model.fit(x, y, batch_size=16)`;
    const reading = read('python', '-c', source);
    expect(settings(reading, 'model', 'microBatchSize', 'imageSize', 'optimizer.name')).toMatchObject({
      model: { name: 'Xception' },
      microBatchSize: 16,
      imageSize: [128, 128],
      'optimizer.name': 'sgd',
    });
    expect(reading?.unknown.map(({ field }) => field)).toEqual(['framework']);
  });
});
