import { optionsOfCall, scopeOf } from '../python/calls.js';
import type { PythonScope } from '../python/evaluate.js';
import type { PythonCall, PythonSource } from '../python/source.js';
import type { Option } from '../options/option.js';
import { asCount, asText } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

const OF = { of: 'keras' };
const APPLICATIONS = /(?:^|\.)applications(?:\.[a-z0-9_]+)?\.([A-Z][A-Za-z0-9]*)$/;
const POLICIES: Readonly<Record<string, string>> = {
  mixed_float16: 'amp-fp16',
  mixed_bfloat16: 'amp-bf16',
  float16: 'fp16',
  bfloat16: 'bf16',
  float32: 'fp32',
};
const OPTIMIZERS: Readonly<Record<string, string>> = {
  adam: 'adam',
  adamw: 'adamw',
  sgd: 'sgd',
  rmsprop: 'rmsprop',
  adagrad: 'adagrad',
  adadelta: 'adadelta',
  nadam: 'nadam',
  adamax: 'adamax',
  lion: 'lion',
};
/** Sides of the images that each application was trained on (keras/src/applications). */
const SIDES: readonly (readonly [RegExp, number])[] = [
  [/^(?:InceptionV3|InceptionResNetV2|Xception)$/, 299],
  [/^NASNetLarge$/, 331],
  [/^EfficientNetB0$|^EfficientNetV2B0$/, 224],
  [/^EfficientNetB1$|^EfficientNetV2B1$/, 240],
  [/^EfficientNetB2$|^EfficientNetV2B2$/, 260],
  [/^EfficientNetB3$|^EfficientNetV2B3$/, 300],
  [/^EfficientNetB4$/, 380],
  [/^EfficientNetB5$/, 456],
  [/^EfficientNetB6$/, 528],
  [/^EfficientNetB7$/, 600],
  [/^EfficientNetV2S$/, 384],
  [/^EfficientNetV2[ML]$/, 480],
];

/** A source around `keras.applications` or `model.fit`: read, but TensorFlow's memory is not PyTorch's and is not estimated. */
export const kerasApplications: TrainingProgram = {
  id: 'keras-applications',
  name: 'Keras source in the manifest',
  step: null,
  builtOn: [],
  options: null,
  recognise({ python }: Invocation): Recognition | null {
    if (!python || !isKeras(python)) return null;
    return python.calls.some(({ last }) => last === 'fit' || last === 'GradientTape') ? 'name' : null;
  },
  read(context: ProgramContext): void {
    const { invocation, draft } = context;
    const { python } = invocation;
    if (!python) return;
    const scope = scopeOf(python, invocation);
    nameProgram(context, { name: `Keras source ${invocation.name}`, package: 'tensorflow', framework: 'tensorflow' });
    for (const call of python.calls) readCall(call, scope, draft);
    draft.derive('task', 'image-classification', ['model'], 'what keras.applications builds');
    draft.default('microBatchSize', 32, { ...OF, note: 'fit and the loaders of images' });
    draft.default('precision', 'fp32', OF);
    draft.default('optimizer.name', 'rmsprop', { ...OF, note: 'compile' });
    draft.leaveOpen('framework', 'TensorFlow trainings are read, but their memory is not worked out');
  },
};

function isKeras({ calls, imports }: PythonSource): boolean {
  const modules = [...imports.values()];
  return (
    modules.some((name) => /^(?:tensorflow|keras|tf_keras)(?:\.|$)/.test(name)) ||
    calls.some(({ name }) => /^(?:tf|keras|tensorflow)\./.test(name))
  );
}

function readCall(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  readApplication(call, scope, draft);
  const options = optionsOfCall(call, scope);
  if (call.last === 'fit' || call.last.endsWith('_from_directory')) readBatch(options.find('batch_size'), draft);
  if (call.last === 'batch') readBatch(options.find('batch_size', '0'), draft);
  if (call.last === 'set_global_policy' || call.last === 'Policy')
    readWord(options.find('policy', 'name', '0'), POLICIES, draft, 'precision');
  if (call.last === 'compile') readWord(options.find('optimizer', '0'), OPTIMIZERS, draft, 'optimizer.name');
  if (/(?:^|\.)optimizers(?:\.|$)/.test(call.name) && Object.hasOwn(OPTIMIZERS, call.last.toLowerCase()))
    draft.derive('optimizer.name', OPTIMIZERS[call.last.toLowerCase()], [call.name], `the source calls ${call.name}`);
}

function readBatch(option: Option | undefined, draft: RunDraft): void {
  if (asCount(option) !== undefined) draft.read('microBatchSize', asCount(option), option?.place ?? null);
  else if (option?.unresolved) draft.leaveOpen('microBatchSize', option.unresolved);
}

function readWord(
  option: Option | undefined,
  words: Readonly<Record<string, string>>,
  draft: RunDraft,
  field: 'precision' | 'optimizer.name',
): void {
  const word = asText(option)?.toLowerCase() ?? '';
  if (Object.hasOwn(words, word)) draft.read(field, words[word], option?.place ?? null);
}

/** `keras.applications.ResNet50(...)`, or the class imported from there. */
function readApplication(call: PythonCall, scope: PythonScope, draft: RunDraft): void {
  const from = scope.source.imports.get(call.name) ?? call.name;
  const name = APPLICATIONS.exec(from)?.[1];
  if (name === undefined || draft.has('model')) return;
  draft.derive('model', { name, catalogId: null, config: null }, [call.name], `the source calls ${call.name}`);
  const options = optionsOfCall(call, scope);
  const classes = options.find('classes');
  if (asCount(classes) !== undefined) draft.read('numClasses', asCount(classes), classes?.place ?? null);
  readShape(options.find('input_shape'), draft);
  const side = SIDES.find(([pattern]) => pattern.test(name))?.[1] ?? 224;
  draft.default('imageSize', [side, side], { ...OF, note: `what ${name} was trained on` });
}

function readShape(option: Option | undefined, draft: RunDraft): void {
  if (!option || !Array.isArray(option.value)) return;
  const [height, width] = option.value.map((item: Option) => asCount(item));
  if (height !== undefined && width !== undefined) draft.read('imageSize', [height, width], option.place);
}
