import { beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { Assessment } from '../fit/assessment.js';
import type { JsonObject } from '../workload/workload.js';
import type { Advisor } from './advisor.js';
import { createAdvisor } from './advisor.js';
import { loadFacts } from './facts.js';
import { loadGrammars } from './load-grammars.js';

const GIB = 1024 ** 3;

/** One node with small cards and one with large ones. */
const cluster = snapshot(node('small', [{ gib: 7.6, count: 2 }]), node('large', [{ gib: 79.2, count: 8 }]));

/** A Job as people keep it in a file: one container that runs one command. */
const manifest = (image: string, command: string): JsonObject =>
  parse(`
apiVersion: batch/v1
kind: Job
metadata:
  name: train
spec:
  template:
    spec:
      restartPolicy: Never
      containers:
        - name: train
          image: ${image}
          command: [bash, -c]
          args:
            - >-
              ${command}
          resources:
            limits:
              nvidia.com/gpu: 1
`) as JsonObject;

const TORCH = 'pytorch/pytorch:2.7.0-cuda12.6-cudnn9-runtime';
const MMDET = 'openmmlab/mmdetection:3.3.0';

interface Family {
  name: string;
  model: RegExp;
  image: string;
  command: string;
}

const FAMILIES: readonly Family[] = [
  {
    name: 'ResNet',
    model: /resnet50/,
    image: TORCH,
    command: 'python main.py -a resnet50 --batch-size 256 --gpu 0 /data/imagenet',
  },
  {
    name: 'VGG',
    model: /vgg16/,
    image: TORCH,
    command:
      'torchrun --nproc_per_node 1 references/classification/train.py --model vgg16 --batch-size 128 --data-path /data',
  },
  {
    name: 'EfficientNet',
    model: /efficientnet_b4/,
    image: TORCH,
    command: 'python pytorch-image-models/train.py /data/imagenet --model efficientnet_b4 --batch-size 64 --amp',
  },
  {
    name: 'Inception-ResNet',
    model: /inception_resnet_v2/,
    image: TORCH,
    command: 'python pytorch-image-models/train.py /data/imagenet --model inception_resnet_v2 --batch-size 64',
  },
  {
    name: 'SSD',
    model: /ssdlite_mobilenetv2/,
    image: MMDET,
    command:
      'python tools/train.py configs/ssd/ssdlite_mobilenetv2-scratch_8xb24-600e_coco.py --cfg-options train_dataloader.batch_size=96',
  },
  {
    name: 'YOLO',
    model: /yolox_s/,
    image: MMDET,
    command:
      'python tools/train.py configs/yolox/yolox_s_8xb8-300e_coco.py --cfg-options train_dataloader.batch_size=32',
  },
  {
    name: 'YOLO of ultralytics',
    model: /yolov8m/,
    image: 'ultralytics/ultralytics:8.3.200',
    command: 'yolo detect train model=yolov8m.pt data=coco.yaml imgsz=640 batch=32',
  },
  {
    name: "YOLOv5's own program",
    model: /yolov5m/,
    image: 'ultralytics/yolov5:v7.0',
    command: 'python train.py --img 640 --batch 64 --epochs 300 --data coco.yaml --weights yolov5m.pt',
  },
  {
    name: 'YOLO of ultralytics, masks',
    model: /yolo11m-seg/,
    image: 'ultralytics/ultralytics:8.3.200',
    command: 'yolo segment train model=yolo11m-seg.pt data=coco.yaml imgsz=640 batch=32',
  },
  {
    name: 'YOLO of ultralytics, classes of images',
    model: /yolo11m-cls/,
    image: 'ultralytics/ultralytics:8.3.200',
    command: 'yolo classify train model=yolo11m-cls.pt data=imagenet imgsz=224 batch=256',
  },
  {
    name: 'Faster R-CNN',
    model: /faster-rcnn_r50_fpn_1x_coco/,
    image: MMDET,
    command:
      'python tools/train.py configs/faster_rcnn/faster-rcnn_r50_fpn_1x_coco.py --cfg-options train_dataloader.batch_size=8',
  },
  {
    name: 'Mask R-CNN',
    model: /mask.rcnn_R_50_FPN/i,
    image: 'detectron2:0.6',
    command:
      'python train_net.py --config-file configs/COCO-InstanceSegmentation/mask_rcnn_R_50_FPN_1x.yaml --num-gpus 1 SOLVER.IMS_PER_BATCH 8',
  },
  {
    name: 'SSD of torchvision',
    model: /ssd300_vgg16/,
    image: TORCH,
    command:
      'torchrun --nproc_per_node 1 references/detection/train.py --dataset coco --model ssd300_vgg16 --batch-size 128 --data-augmentation ssd',
  },
  {
    name: 'Faster R-CNN of torchvision',
    model: /fasterrcnn_resnet50_fpn/,
    image: TORCH,
    command:
      'torchrun --nproc_per_node 1 references/detection/train.py --dataset coco --model fasterrcnn_resnet50_fpn --batch-size 8 --amp',
  },
  {
    name: 'Mask R-CNN of torchvision',
    model: /maskrcnn_resnet50_fpn/,
    image: TORCH,
    command:
      'torchrun --nproc_per_node 1 references/detection/train.py --dataset coco --model maskrcnn_resnet50_fpn --batch-size 8',
  },
  {
    name: 'Mask R-CNN of mmdetection, with tall crops',
    model: /mask-rcnn_swin-t-p4-w7_fpn_amp-ms-crop-3x_coco/,
    image: MMDET,
    command:
      'python tools/train.py configs/swin/mask-rcnn_swin-t-p4-w7_fpn_amp-ms-crop-3x_coco.py --cfg-options train_dataloader.batch_size=4',
  },
  {
    name: 'RetinaNet of torchvision',
    model: /retinanet_resnet50_fpn/,
    image: TORCH,
    command:
      'torchrun --nproc_per_node 1 references/detection/train.py --dataset coco --model retinanet_resnet50_fpn --batch-size 8 --lr 0.01',
  },
  {
    name: 'RetinaNet of detectron2',
    model: /retinanet_R_50_FPN/,
    image: 'detectron2:0.6',
    command:
      'python train_net.py --config-file configs/COCO-Detection/retinanet_R_50_FPN_3x.yaml --num-gpus 1 SOLVER.IMS_PER_BATCH 16',
  },
  {
    name: 'RetinaNet of mmdetection',
    model: /retinanet_r50_fpn_1x_coco/,
    image: MMDET,
    command:
      'python tools/train.py configs/retinanet/retinanet_r50_fpn_1x_coco.py --cfg-options train_dataloader.batch_size=8',
  },
  {
    name: 'DETR',
    model: /detr_r50_8xb2-150e_coco/,
    image: MMDET,
    command:
      'python tools/train.py configs/detr/detr_r50_8xb2-150e_coco.py --cfg-options train_dataloader.batch_size=4',
  },
  {
    name: 'Conditional DETR',
    model: /conditional-detr_r50_8xb2-50e_coco/,
    image: MMDET,
    command:
      'python tools/train.py configs/conditional_detr/conditional-detr_r50_8xb2-50e_coco.py --cfg-options train_dataloader.batch_size=4',
  },
  {
    name: 'Deformable DETR',
    model: /deformable-detr_r50_16xb2-50e_coco/,
    image: MMDET,
    command: 'python tools/train.py configs/deformable_detr/deformable-detr_r50_16xb2-50e_coco.py',
  },
  {
    name: 'DINO',
    model: /dino-4scale_r50_8xb2-12e_coco/,
    image: MMDET,
    command:
      'python tools/train.py configs/dino/dino-4scale_r50_8xb2-12e_coco.py --cfg-options train_dataloader.batch_size=4',
  },
  {
    name: 'Mask R-CNN on LVIS',
    model: /mask.rcnn_R_50_FPN/i,
    image: 'detectron2:0.6',
    command:
      'python train_net.py --config-file configs/LVISv1-InstanceSegmentation/mask_rcnn_R_50_FPN_1x.yaml --num-gpus 1 SOLVER.IMS_PER_BATCH 8',
  },
  {
    name: 'LSTM',
    model: /lstm/i,
    image: TORCH,
    command:
      'python main.py --cuda --model LSTM --emsize 1500 --nhid 1500 --batch_size 512 --bptt 128 --data /data/wikitext-2',
  },
  {
    name: 'wav2vec 2.0',
    model: /wav2vec2-large-xlsr-53/,
    image: 'huggingface/transformers-pytorch-gpu:4.41.2',
    command:
      'python run_speech_recognition_ctc.py --model_name_or_path facebook/wav2vec2-large-xlsr-53 --dataset_name common_voice --do_train --per_device_train_batch_size 16 --max_duration_in_seconds 20 --fp16 --output_dir /out',
  },
  {
    name: 'BERT',
    model: /bert-base-uncased/,
    image: 'huggingface/transformers-pytorch-gpu:4.41.2',
    command:
      'python run_glue.py --model_name_or_path google-bert/bert-base-uncased --task_name mnli --do_train --per_device_train_batch_size 64 --max_seq_length 512 --output_dir /out',
  },
  {
    name: 'GPT-2',
    model: /gpt2/,
    image: 'huggingface/transformers-pytorch-gpu:4.41.2',
    command:
      'python run_clm.py --model_name_or_path gpt2 --do_train --per_device_train_batch_size 8 --block_size 1024 --output_dir /out',
  },
];

describe('trainings of the common families, from YAML to advice', () => {
  let advisor: Advisor;
  const assess = (given: JsonObject): Assessment => {
    const question = { manifest: given, files: { configMap: () => undefined }, inventory: cluster, nowMs: 1000 };
    const assessment = advisor.assess(question);
    if (assessment === null) throw new Error('no training was seen');
    return assessment;
  };

  beforeAll(async () => {
    advisor = createAdvisor({ facts: loadFacts(), grammars: await loadGrammars() });
  });

  it.each(FAMILIES.map((family) => [family.name, family] as const))(
    '%s is read, estimated and advised on',
    (_, { model, image, command }) => {
      const { runs, estimates, verdict, advice } = assess(manifest(image, command));
      expect(runs[0]?.settings?.model.value?.name).toMatch(model);
      expect(estimates[0]?.deviceBytes.expected).toBeGreaterThan(1.5 * GIB);
      expect(['fits-some', 'tight', 'fits']).toContain(verdict);
      expect(advice.length).toBeGreaterThan(0);
    },
  );
});
