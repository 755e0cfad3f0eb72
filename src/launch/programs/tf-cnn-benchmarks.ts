import { readCommandLine } from '../options/command-line.js';
import { OptionReader } from '../options/option-reader.js';
import type { Invocation } from './invocation.js';
import { readModelName } from './hf/model.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

const OF = { of: 'tf_cnn_benchmarks' };

/** TensorFlow's CNN benchmarks: read, but TensorFlow's memory is not PyTorch's and is not estimated. */
export const tfCnnBenchmarks: TrainingProgram = {
  id: 'tf-cnn-benchmarks',
  name: 'tf_cnn_benchmarks',
  step: null,
  builtOn: [],
  options: null,
  recognise: ({ kind, name }: Invocation): Recognition | null =>
    kind === 'script' && name === 'tf_cnn_benchmarks.py' ? 'name' : null,
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const reader = new OptionReader(readCommandLine(invocation.args, {}).options, draft);
    nameProgram(context, { name: 'tf_cnn_benchmarks', package: 'tensorflow', framework: 'tensorflow' });
    readModelName(reader, draft, 'model');
    draft.derive('task', 'image-classification', ['program'], 'the benchmarks train classifiers');
    reader.count('microBatchSize', 'batch_size');
    draft.default('imageSize', [224, 224], { ...OF, note: 'synthetic ImageNet' });
    const half = reader.truth('precision', 'use_fp16');
    draft.default('precision', half?.value ? 'amp-fp16' : 'fp32', OF);
    reader.choice(
      'optimizer.name',
      { sgd: 'sgd', momentum: 'sgd', rmsprop: 'rmsprop', adam: 'adam' } as const,
      'optimizer',
    );
    draft.default('optimizer.name', 'sgd', OF);
    draft.leaveOpen('framework', 'TensorFlow trainings are read, but their memory is not worked out');
  },
};
