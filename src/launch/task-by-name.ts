import type { Task } from '../run/training-run.js';
import type { RunDraft } from './run-draft.js';

/** Names that only models for one task have; where nothing else says the task, they do. */
const NAMES: readonly { task: Task; what: string; pattern: RegExp }[] = [
  {
    task: 'detection',
    what: 'a detector',
    pattern: /(^|[/_-])(detr|rt-?detr|yolo\w*|faster[-_]?rcnn|mask[-_]?rcnn|retinanet|fcos|ssd\d+)/i,
  },
  {
    task: 'segmentation',
    what: 'a model for segmentation',
    pattern: /(^|[/_-])(deeplabv3|fcn_resnet|lraspp|segformer|upernet|pspnet)/i,
  },
  {
    task: 'image-classification',
    what: 'an image classifier',
    pattern:
      /(^|\/)(tf_)?(wide_resnet|resnet|resnext|vgg|densenet|efficientnet|mobilenet|mnasnet|inception|googlenet|shufflenet|squeezenet|alexnet|regnet|convnext|vit[-_]|deit[-_]|swin)/i,
  },
  { task: 'speech', what: 'a model for speech', pattern: /(^|\/)(whisper|wav2vec2|hubert)/i },
  {
    task: 'seq2seq',
    what: 'an encoder with a decoder',
    pattern: /(^|\/)((flan-)?t5|m?t5|mbart|bart|pegasus|opus-mt|m2m100|nllb)([-_/]|$)/i,
  },
];

const ENCODERS =
  /(^|\/)(bert|roberta|distilbert|albert|electra|deberta|xlm-roberta|camembert|modernbert|bge|e5|gte|all-minilm)[-_]/i;

/** Takes the task from the model's name where nothing has said it. */
export function assumeTaskByName(draft: RunDraft): void {
  const model = draft.value('model') as { name: string } | null | undefined;
  if (!model || draft.has('task')) return;
  const found = NAMES.find(({ pattern }) => pattern.test(model.name));
  if (found) draft.derive('task', found.task, ['model'], `${found.what} by its name`);
  else if (ENCODERS.test(model.name)) assumeEncoderTask(draft);
}

/** An encoder is mostly tuned to classify; scripts that train its own task say so in their names. */
function assumeEncoderTask(draft: RunDraft): void {
  const program = (draft.value('program') as { name: string } | null | undefined)?.name ?? '';
  const isPretraining = /mlm|mask|pre-?train/i.test(program);
  const task: Task = isPretraining ? 'masked-lm' : 'sequence-classification';
  draft.assume('task', task, 'an encoder by its name, and nothing says what it is trained for');
}
