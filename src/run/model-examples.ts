import type { Task } from './training-run.js';

/** A model of each kind of task that a person could mean, for words that say what to declare. */
const EXAMPLES: Partial<Readonly<Record<Task, string>>> = {
  'image-classification': 'resnet50',
  detection: 'faster-rcnn_r50_fpn_1x_coco',
  segmentation: 'deeplabv3_resnet50',
  diffusion: 'stabilityai/stable-diffusion-xl-base-1.0',
  speech: 'openai/whisper-small',
  seq2seq: 'google-t5/t5-base',
  'masked-lm': 'google-bert/bert-base-uncased',
  'sequence-classification': 'google-bert/bert-base-uncased',
};

/** `model: NAME` as it would be declared for a task. */
export function modelExample(task: unknown): string {
  return `model: ${EXAMPLES[task as Task] ?? 'meta-llama/Llama-3.1-8B'}`;
}
