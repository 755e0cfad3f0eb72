import { ACCELERATE_STEP, TRAINER_STEP } from './steps.js';
import { TRAINER_OPTIONS } from './hf/trainer-options.js';
import { plain } from '../../run/program-options.js';
import type { Task } from '../../run/training-run.js';
import { asCount, asNumber } from '../options/option.js';
import { OptionReader } from '../options/option-reader.js';
import type { Invocation } from './invocation.js';
import { hfOptions } from './hf/command-line.js';
import { readModelName } from './hf/model.js';
import { readTrainingArguments } from './hf/training-arguments.js';
import type { RunDraft } from '../run-draft.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

interface Length {
  flags: readonly string[];
  default: number;
}

interface Example {
  task: Task;
  /** The sequence length; 1024 stands for min(1024, what the model takes). Left out: it has no sequences of tokens. */
  length?: Length;
  target?: Length;
  /** Sides of the images, height first, one for both where they are square. Left out: that of the model's processor. */
  sides?: readonly Length[];
}

const BLOCK = { flags: ['block_size'], default: 1024 };
const FIXED = (length: number): Length => ({ flags: ['max_seq_length', 'max_length'], default: length });
const SEQ2SEQ: Example = {
  task: 'seq2seq',
  length: { flags: ['max_source_length'], default: 1024 },
  target: { flags: ['max_target_length'], default: 128 },
};

const IMAGES: Example = { task: 'image-classification' };
const BOXES: Example = { task: 'detection', sides: [{ flags: ['image_square_size'], default: 600 }] };
const MASKS: Example = {
  task: 'detection',
  sides: ['image_height', 'image_width'].map((flag) => ({ flags: [flag], default: 512 })),
};
const SPEECH: Example = { task: 'speech' };

/** transformers examples/pytorch: task, length flag and its default, by script. */
const EXAMPLES: Readonly<Record<string, Example>> = {
  'run_clm.py': { task: 'causal-lm', length: BLOCK },
  'run_clm_no_trainer.py': { task: 'causal-lm', length: BLOCK },
  'run_fim.py': { task: 'causal-lm', length: BLOCK },
  'run_plm.py': { task: 'causal-lm', length: FIXED(512) },
  'run_mlm.py': { task: 'masked-lm', length: FIXED(1024) },
  'run_mlm_no_trainer.py': { task: 'masked-lm', length: FIXED(1024) },
  'run_glue.py': { task: 'sequence-classification', length: FIXED(128) },
  'run_glue_no_trainer.py': { task: 'sequence-classification', length: FIXED(128) },
  'run_classification.py': { task: 'sequence-classification', length: FIXED(128) },
  'run_xnli.py': { task: 'sequence-classification', length: FIXED(128) },
  'run_ner.py': { task: 'token-classification', length: FIXED(512) },
  'run_ner_no_trainer.py': { task: 'token-classification', length: FIXED(128) },
  'run_qa.py': { task: 'question-answering', length: FIXED(384) },
  'run_qa_no_trainer.py': { task: 'question-answering', length: FIXED(384) },
  'run_seq2seq_qa.py': { task: 'seq2seq', length: FIXED(384), target: { flags: ['max_answer_length'], default: 30 } },
  'run_summarization.py': SEQ2SEQ,
  'run_summarization_no_trainer.py': SEQ2SEQ,
  'run_translation.py': SEQ2SEQ,
  'run_translation_no_trainer.py': SEQ2SEQ,
  'run_image_classification.py': IMAGES,
  'run_image_classification_no_trainer.py': IMAGES,
  'run_semantic_segmentation.py': { task: 'segmentation' },
  'run_semantic_segmentation_no_trainer.py': { task: 'segmentation' },
  'run_object_detection.py': BOXES,
  'run_object_detection_no_trainer.py': BOXES,
  'run_instance_segmentation.py': MASKS,
  'run_instance_segmentation_no_trainer.py': MASKS,
  'run_speech_recognition_ctc.py': SPEECH,
  'run_speech_recognition_ctc_adapter.py': SPEECH,
  'run_speech_recognition_seq2seq.py': SPEECH,
};

/** Classes of the GLUE tasks (run_glue.py reads them from the data set). */
const GLUE_CLASSES: Readonly<Record<string, number>> = {
  cola: 2,
  mnli: 3,
  mrpc: 2,
  qnli: 2,
  qqp: 2,
  rte: 2,
  sst2: 2,
  stsb: 1,
  wnli: 2,
};

/** The example scripts of transformers. */
export const hfExamples: TrainingProgram = {
  id: 'hf-examples',
  name: 'transformers example script',
  step: TRAINER_STEP,
  builtOn: ['transformers'],
  options: {
    source:
      'transformers examples/pytorch: run_clm.py block_size; run_mlm.py, run_glue.py, run_qa.py max_seq_length; ' +
      'run_object_detection.py image_square_size',
    writers: {
      ...TRAINER_OPTIONS.writers,
      sequenceLength: (value, run, others) =>
        plain(run.task.value === 'causal-lm' ? '--block_size' : '--max_seq_length')(value, run, others),
    },
  },
  recognise: ({ kind, name }: Invocation): Recognition | null =>
    kind === 'script' && Object.hasOwn(EXAMPLES, name) ? 'name' : null,
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const example = EXAMPLES[invocation.name] as Example;
    const reader = new OptionReader(hfOptions(context), draft);
    const isLoop = invocation.name.endsWith('_no_trainer.py');
    const step = isLoop ? ACCELERATE_STEP : TRAINER_STEP;
    nameProgram(context, { name: `transformers ${invocation.name}`, package: 'transformers', step });
    readModelName(reader, draft, 'model_name_or_path');
    fromScratch(reader, context);
    draft.derive('task', example.task, ['program'], `${invocation.name} trains for ${example.task}`);
    readLengths(reader, context, example);
    readSides(reader, context, example);
    reader.choice('numClasses', GLUE_CLASSES, 'task_name');
    readTrainingArguments(reader, context, { of: 'transformers' });
    const trains = reader.truth('task', 'do_train');
    const hasTrainer = !invocation.name.endsWith('_no_trainer.py');
    if (hasTrainer && trains?.value !== true)
      draft.leaveOpen('program', 'without --do_train the script does not train');
  },
};

/** Without a pretrained model `--config_name` or `--tokenizer_name` names the architecture that is trained from scratch. */
function fromScratch(reader: OptionReader, { draft }: ProgramContext): void {
  readModelName(reader, draft, 'config_name');
  if (!draft.has('model') && reader.options.has('model_type'))
    draft.leaveOpen('model', '--model_type alone trains a new model of the default size of that type', 'model: gpt2');
}

function readLengths(reader: OptionReader, context: ProgramContext, { task, length, target }: Example): void {
  const { draft, invocation } = context;
  const of = `transformers ${invocation.name}`;
  if (invocation.name.startsWith('run_speech_recognition_ctc')) readDuration(reader, draft);
  if (!length && task !== 'speech') draft.default('sequenceLength', null, { of, note: 'no sequences of tokens' });
  if (!length) return;
  reader.count('sequenceLength', ...length.flags);
  if (!draft.isOpen('sequenceLength'))
    draft.default('sequenceLength', length.default, { of, note: 'at most what the model takes' });
  if (!target) return;
  reader.count('targetSequenceLength', ...target.flags);
  draft.default('targetSequenceLength', target.default, { of });
}

/** Longer recordings are left out of the data; the feature extractor takes 16,000 samples a second. */
function readDuration(reader: OptionReader, draft: RunDraft): void {
  const seconds = asNumber(reader.options.find('max_duration_in_seconds')) ?? 20;
  const rule = `recordings of up to ${seconds} seconds, of 16,000 samples each`;
  draft.derive('sequenceLength', Math.round(seconds * 16_000), ['max_duration_in_seconds'], rule);
}

function readSides({ options, draft }: OptionReader, { invocation }: ProgramContext, { sides }: Example): void {
  if (sides === undefined) return;
  const found = sides.map(({ flags }) => options.find(...flags));
  const said = found.map((option) => asCount(option));
  const pixels = sides.map((side, i) => said[i] ?? side.default);
  const size = [pixels[0], pixels.at(-1)];
  const place = found.find((option) => option !== undefined)?.place ?? null;
  if (said.some((one) => one !== undefined)) draft.read('imageSize', size, place);
  draft.default('imageSize', size, { of: `transformers ${invocation.name}` });
}
