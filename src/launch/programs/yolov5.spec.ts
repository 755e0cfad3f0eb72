import { beforeAll, describe, expect, it } from '@jest/globals';
import { installedGrammars, job, readManifest, setting, settings } from '../../../test/builders/launch.js';
import type { Grammars } from '../grammars.js';
import type { RunReading } from '../reading.js';

let grammars: Grammars;
beforeAll(async () => {
  grammars = await installedGrammars();
});

const train = (command: string, gpus = 1): RunReading | undefined =>
  readManifest(job({ command: command.split(' '), gpus }), grammars)[0];

const model = (name: string): unknown => ({ name, catalogId: null, config: null });

describe("YOLOv5's train.py", () => {
  it('is read as it is called in its tutorial', () => {
    const reading = train('python train.py --img 640 --batch 16 --epochs 3 --data coco128.yaml --weights yolov5s.pt');
    expect(reading?.unknown).toEqual([]);
    expect(setting(reading, 'program').value).toMatchObject({ id: 'yolov5' });
    expect(
      settings(
        reading,
        'model',
        'task',
        'microBatchSize',
        'gradientAccumulationSteps',
        'imageSize',
        'ema',
        'precision',
      ),
    ).toEqual({
      model: model('yolov5s'),
      task: 'detection',
      microBatchSize: 16,
      gradientAccumulationSteps: 4,
      imageSize: [640, 640],
      ema: true,
      precision: 'amp-fp16',
    });
  });

  it('starts from scratch with a configuration, and takes the largest size of several', () => {
    const reading = train("python train.py --batch-size 8 --cfg models/hub/yolov5m6.yaml --weights '' --multi-scale");
    expect(settings(reading, 'model', 'imageSize')).toEqual({ model: model('yolov5m6'), imageSize: [960, 960] });
  });

  it('divides its batch over the processes of a launcher', () => {
    const command = 'torchrun --nproc_per_node 2 yolov5/train.py --batch-size 64 --data coco.yaml --weights yolov5s.pt';
    expect(settings(train(command, 2), 'microBatchSize', 'gradientAccumulationSteps', 'worldSize')).toEqual({
      microBatchSize: 32,
      gradientAccumulationSteps: 1,
      worldSize: 2,
    });
  });

  it('does not guess the batch that fills the GPU', () => {
    const reading = train('python train.py --batch-size -1 --weights yolov5s.pt');
    expect(reading?.unknown.map(({ field }) => field)).toEqual(['microBatchSize']);
  });
});
