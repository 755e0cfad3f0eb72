import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from '@jest/globals';

/**
 * The families of networks that people ask about first, each as a person submits it: YAML in, verdict and advice out, by
 * the real command line. Batches are too large for the device, so that there is something to advise.
 */
const ROOT = join(import.meta.dirname, '..', '..');

interface Assessment {
  verdict: string;
  runs: { settings: Record<string, { value: unknown }> }[];
  estimates: { parameters: { total: number } }[];
  advice: { verdict: string; changes: { field: string; from: string; to: string }[] }[];
}

interface Submitted {
  family: string;
  command: string;
  /** What must be read of it. */
  model: string;
  batch: number;
  image?: [number, number];
  /** Millions, as the library counts them; with heads that follow the data set, a range. */
  parameters: [number, number];
}

const SUBMITTED: readonly Submitted[] = [
  {
    family: 'ResNet',
    command: 'python main.py -a resnet50 -b 512 /data/imagenet',
    model: 'resnet50',
    batch: 512,
    image: [224, 224],
    parameters: [25.5, 25.6],
  },
  {
    family: 'VGG',
    command:
      'torchrun --nproc_per_node=1 references/classification/train.py --model vgg16 --batch-size 256 --data-path /data',
    model: 'vgg16',
    batch: 256,
    image: [224, 224],
    parameters: [138.3, 138.4],
  },
  {
    family: 'EfficientNet',
    command: 'python train.py /data --model efficientnet_b4 -b 128 --img-size 380 --amp',
    model: 'efficientnet_b4',
    batch: 128,
    image: [380, 380],
    parameters: [19.3, 19.4],
  },
  {
    family: 'Inception-ResNet',
    command: 'python train.py /data --model inception_resnet_v2 -b 256 --amp --sched cosine',
    model: 'inception_resnet_v2',
    batch: 256,
    parameters: [55.8, 55.9],
  },
  {
    family: 'SSD',
    command: 'python tools/train.py configs/ssd/ssd300_coco.py --cfg-options train_dataloader.batch_size=128',
    model: 'ssd300_coco',
    batch: 128,
    image: [300, 300],
    parameters: [34, 36],
  },
  {
    family: 'YOLO',
    command: 'yolo detect train model=yolo11m.pt data=coco.yaml imgsz=640 batch=96',
    model: 'yolo11m',
    batch: 96,
    image: [640, 640],
    parameters: [20, 20.2],
  },
  {
    family: 'Faster R-CNN',
    command:
      'python tools/train.py configs/faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py --cfg-options train_dataloader.batch_size=16',
    model: 'faster-rcnn_r50_fpn_1x_coco',
    batch: 16,
    parameters: [41, 42],
  },
  {
    family: 'Mask R-CNN',
    command:
      'python tools/train_net.py --config-file configs/COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_3x.yaml SOLVER.IMS_PER_BATCH 16',
    model: 'mask_rcnn_R_50_FPN_3x',
    batch: 16,
    parameters: [44, 45],
  },
  {
    family: 'LSTM',
    command: 'python main.py --cuda --model LSTM --emsize 1500 --nhid 1500 --nlayers 4 --bptt 512 --batch_size 256',
    model: 'LSTM of the word language model example',
    batch: 256,
    parameters: [100, 250],
  },
];

function manifest(command: string): string {
  const container = {
    name: 'train',
    image: 'registry.example.com/train:1.0',
    command: ['sh', '-c'],
    args: [command],
    resources: { limits: { 'nvidia.com/gpu': 1 } },
  };
  const template = { spec: { restartPolicy: 'Never', containers: [container] } };
  return JSON.stringify({ apiVersion: 'batch/v1', kind: 'Job', metadata: { name: 'seed' }, spec: { template } });
}

function advised(command: string): Assessment {
  const args = ['bin/plimsoll.mjs', 'advise', '-f', '-', '--gpu', 't4:1', '-o', 'json'];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    input: manifest(command),
    encoding: 'utf8',
    maxBuffer: 64 * 2 ** 20,
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Assessment;
}

/** Proposals that make the batch smaller, with what it becomes. */
const smallerBatches = (advice: Assessment['advice']): { verdict: string; to: string }[] =>
  advice.flatMap(({ verdict, changes }) =>
    changes.filter(({ field }) => field === 'microBatchSize').map(({ to }) => ({ verdict, to })),
  );

function expectBetween(value: number | undefined, [least, most]: readonly [number, number]): void {
  expect(value).toBeGreaterThanOrEqual(least);
  expect(value).toBeLessThanOrEqual(most);
}

describe('a job of each family that people ask about first', () => {
  it.each(SUBMITTED)(
    '$family: is read, does not fit, and is told a batch that does',
    ({ command, model, batch, image, parameters }) => {
      const { verdict, runs, estimates, advice } = advised(command);
      const valueOf = (field: string): unknown => runs[0]?.settings[field]?.value;
      expect(valueOf('model')).toMatchObject({ name: model });
      expect(valueOf('microBatchSize')).toBe(batch);
      if (image !== undefined) expect(valueOf('imageSize')).toEqual(image);
      expectBetween(estimates.map((one) => one.parameters.total / 1e6)[0], parameters);
      expect(verdict).toBe('will-not-fit');
      const smaller = smallerBatches(advice)[0];
      expect(smaller?.verdict).toBe('fits');
      expect(Number(smaller?.to)).toBeLessThan(batch);
    },
    60_000,
  );
});
