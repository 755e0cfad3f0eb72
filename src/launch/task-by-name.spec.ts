import { describe, expect, it } from '@jest/globals';
import { RunDraft } from './run-draft.js';
import { assumeTaskByName } from './task-by-name.js';

function taskOf(name: string, program = 'train.py'): unknown {
  const draft = new RunDraft();
  draft.read('program', { id: null, name: program, version: null }, null);
  draft.read('model', { name, catalogId: null, config: null }, null);
  assumeTaskByName(draft);
  return draft.value('task');
}

describe('the task that nothing says', () => {
  it.each([
    ['resnet50', 'image-classification'],
    ['google/vit-base-patch16-224', 'image-classification'],
    ['swin_base_patch4_window7_224', 'image-classification'],
    ['facebook/detr-resnet-50', 'detection'],
    ['yolo11x', 'detection'],
    ['deeplabv3_resnet101', 'segmentation'],
    ['openai/whisper-small', 'speech'],
    ['google/flan-t5-base', 'seq2seq'],
    ['facebook/bart-large', 'seq2seq'],
    ['bert-base-uncased', 'sequence-classification'],
    ['BAAI/bge-base-en-v1.5', 'sequence-classification'],
  ])('of %s is %s', (name, task) => expect(taskOf(name)).toBe(task));

  it('of an encoder is its own where the script is called after that', () => {
    expect(taskOf('bert-base-uncased', 'pretrain_mlm.py')).toBe('masked-lm');
  });

  it.each(['meta-llama/Llama-3.1-8B', 'gpt2', 'state-spaces/mamba-130m', 'someone/bartender-7b', 'vitals/llm'])(
    'of %s is not to be told by its name',
    (name) => expect(taskOf(name)).toBeUndefined(),
  );
});
