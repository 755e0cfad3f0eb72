import { withDerived } from '../run/derived.js';
import { RUN_FIELDS } from '../run/fields.js';
import type { Setting, SourcePlace } from '../run/setting.js';
import type { RunField, Sharding, Task, TrainingRun } from '../run/training-run.js';
import type { ProcessFacts } from './processes.js';
import { readProcesses } from './processes.js';
import type { RunDraft } from './run-draft.js';
import { assumeTaskByName } from './task-by-name.js';
import type { Versions } from './versions.js';

interface Fallback {
  value: unknown;
  of: string;
  note?: string;
}

const none = (value: unknown, note?: string): Fallback => ({
  value,
  of: 'torch',
  ...(note === undefined ? {} : { note }),
});
const unused = (value: unknown): Fallback => none(value, 'not in use unless a program turns it on');

/** What holds where no program, launcher or person says otherwise: PyTorch's own behaviour. */
const FALLBACKS: Partial<Readonly<Record<RunField, Fallback>>> = {
  rowsPerSample: unused(1),
  gradientAccumulationSteps: none(1),
  frames: unused(null),
  numClasses: none(null, 'as many as the model has'),
  precision: none('fp32'),
  weights: none(null, 'as the precision says'),
  'optimizer.name': none('adamw'),
  'optimizer.implementation': none('foreach', 'torch.optim on CUDA'),
  'optimizer.momentum': none(0),
  'optimizer.weightDecay': none(0),
  'optimizer.amsgrad': none(false),
  gradientClipping: none(false),
  activationCheckpointing: unused('none'),
  attention: none('sdpa'),
  loss: none('standard'),
  kernels: unused([]),
  packing: none(false),
  dropout: none(null, 'as the model is configured'),
  'peft.method': unused('none'),
  'peft.rank': unused(null),
  'peft.dropout': unused(0),
  'peft.targetModules': unused(null),
  'peft.modulesToSave': unused([]),
  'peft.weights': unused(null),
  quantization: unused('none'),
  'parallelism.fsdpVersion': none(1),
  'parallelism.tensor': unused(1),
  'parallelism.sequence': unused(false),
  'parallelism.pipeline': unused(1),
  'parallelism.pipelineSchedule': unused('1f1b'),
  'parallelism.virtualStages': unused(1),
  'parallelism.context': unused(1),
  'parallelism.expert': unused(1),
  'parallelism.gradientAsBucketView': none(false),
  'offload.parameters': unused(false),
  'offload.optimizer': unused(false),
  'offload.activations': unused(false),
  compile: unused('none'),
  ema: unused(false),
  channelsLast: unused(false),
  allocator: none('', 'PYTORCH_ALLOC_CONF is not set'),
  'trainingStep.castsOutputs': none(false),
  'trainingStep.compilesLoss': none(false),
  'trainingStep.fullPrecisionEmbeddings': none(false),
  prefetchedBatches: none(0),
  activity: unused('train'),
  'sharing.process': unused('common'),
  'sharing.turn': unused('apart'),
  'sharing.keepsParameters': unused(true),
  'sharing.keepsOptimizerStates': unused(true),
  'sharing.emptiesCache': unused(false),
  'sharing.borrowsWeights': unused(false),
  'sharing.deviceShare': unused(null),
};

interface Assumed<T> {
  value: T;
  reason: string;
  range?: { low: T; high: T };
}

/** What common programs resize to: torchvision's classifiers, YOLO to COCO's short side of 800, OpenMMLab's segmenters. */
const SIZES: Readonly<Partial<Record<Task, Assumed<[number, number]>>>> = {
  'image-classification': {
    value: [224, 224],
    reason: 'the image size is not given; 224 is common for pretrained models',
  },
  detection: {
    value: [640, 640],
    reason: 'the image size is not given; detectors are trained on 512 to 800 × 1344 pixels',
    range: { low: [512, 512], high: [800, 1344] },
  },
  segmentation: {
    value: [512, 512],
    reason: 'the image size is not given; segmenters are trained on crops of 384 to 1024 pixels',
    range: { low: [384, 384], high: [1024, 1024] },
  },
};

const LENGTHS: Assumed<number> = {
  value: 1024,
  reason: 'the length is not given; defaults of common trainers lie between 512 and 2048 tokens',
  range: { low: 512, high: 2048 },
};

/** Speech has two to four tokens a second, recordings of up to thirty seconds; Whisper's decoder takes 448 at most. */
const TRANSCRIPTS: Assumed<number> = {
  value: 80,
  reason: 'transcripts are as long as the data',
  range: { low: 20, high: 448 },
};

/** Encoders of sound take its samples, 16,000 a second; utterances have some seconds, and scripts cut at twenty or thirty. */
const SOUNDS: Assumed<number> = {
  value: 256_000,
  reason: 'recordings are as long as the data: 16,000 samples a second',
  range: { low: 80_000, high: 480_000 },
};
const SOUND_ENCODER = /wav2vec2|hubert/i;

/** How long the sequences of a task are where nothing says it. */
function assumedLength(draft: RunDraft): Assumed<number> {
  if (draft.value('task') !== 'speech') return LENGTHS;
  const model = draft.value('model') as { name?: string } | null | undefined;
  return SOUND_ENCODER.test(model?.name ?? '') ? SOUNDS : TRANSCRIPTS;
}

/** Makes a draft to a run: every field present, with a default or a range where nothing says it. */
export function buildRun(draft: RunDraft, facts: ProcessFacts, versions: Versions): TrainingRun {
  readProcesses(draft, facts);
  assumeInputs(draft);
  fallBack(draft, versions);
  const run = withDerived(assemble(draft));
  settleGlobalBatch(draft, run);
  return settleAccumulation(draft, run);
}

/** Inputs that nothing gives: an assumption with the range that common programs have as their defaults. */
function assumeInputs(draft: RunDraft): void {
  assumeTaskByName(draft);
  if (!draft.has('task')) draft.assume('task', 'causal-lm', 'nothing says the task');
  const size = SIZES[draft.value('task') as Task];
  assumeOpen(
    draft,
    'microBatchSize',
    { value: 8, low: 1, high: 32 },
    'the batch is not given; 8 is the default of many programs',
  );
  if (size !== undefined) {
    draft.default('sequenceLength', null, { of: 'torch', note: 'images have no sequence' });
    draft.assume('imageSize', size.value, size.reason, size.range);
  } else {
    const { value, reason, range } = assumedLength(draft);
    draft.assume('sequenceLength', value, draft.reasonOpen('sequenceLength') ?? reason, range);
    draft.default('imageSize', null, { of: 'torch', note: 'no images' });
  }
  assumeOutputs(draft);
  draft.default('targetSequenceLength', draft.value('task') === 'seq2seq' ? 128 : null, { of: 'transformers' });
}

/** The logits of a language model are large: whether an unknown script drops them before backward matters. */
function assumeOutputs(draft: RunDraft): void {
  const range = draft.value('sequenceLength') === null ? undefined : { low: false, high: true };
  const reason = 'the script decides whether the outputs of the model live through backward';
  draft.assume('trainingStep.keepsOutputs', true, reason, range);
}

function assumeOpen(
  draft: RunDraft,
  field: RunField,
  { value, low, high }: { value: number; low: number; high: number },
  reason: string,
): void {
  if (draft.has(field)) return;
  const open = draft.reasonOpen(field);
  if (open === undefined) draft.leaveOpen(field, reason, `${field}: ${value}`);
  draft.assume(field, value, open ?? reason, { low, high });
}

function fallBack(draft: RunDraft, versions: Versions): void {
  draft.set('program', { value: null, evidence: { kind: 'assumed', reason: 'no program is recognised' } });
  const framework = { name: 'pytorch', packages: versions.packages() };
  draft.set('framework', { value: framework, evidence: { kind: 'assumed', reason: 'no framework is named' } });
  draft.set('model', {
    value: null,
    evidence: { kind: 'assumed', reason: draft.reasonOpen('model') ?? 'nothing says which model is trained' },
  });
  draft.default('parallelism.sharding', shardingOf(draft), {
    of: 'torch',
    note: 'DistributedDataParallel where several processes train',
  });
  for (const [field, { value, of, note }] of Object.entries(FALLBACKS) as [RunField, Fallback][]) {
    const reason = draft.reasonOpen(field);
    if (reason === undefined) draft.default(field, value, { of, ...(note === undefined ? {} : { note }) });
    else draft.assume(field, value, reason);
  }
}

function shardingOf(draft: RunDraft): Sharding {
  const world = (draft.value('nodes') as number) * (draft.value('processesPerNode') as number);
  return world > 1 ? 'ddp' : 'none';
}

/** Fields that `withDerived` works out stand in until then. */
const DERIVED: readonly RunField[] = ['worldSize', 'parallelism.data', 'parallelism.shardSize', 'globalBatchSize'];

function assemble(draft: RunDraft): TrainingRun {
  const pending: Setting<unknown> = { value: 1, evidence: { kind: 'derived', from: [], rule: 'worked out below' } };
  const run: Record<string, unknown> = {};
  for (const field of RUN_FIELDS) {
    const setting = draft.settings.get(field) ?? (DERIVED.includes(field) ? pending : undefined);
    if (!setting) throw new Error(`no fallback for ${field}`);
    const [key = '', member] = field.split('.');
    if (member === undefined) run[key] = setting;
    else ((run[key] ??= {}) as Record<string, unknown>)[member] = setting;
  }
  return run as TrainingRun;
}

/** A stated global batch that the other numbers contradict is worth a word. */
function settleGlobalBatch(draft: RunDraft, run: TrainingRun): void {
  const stated = draft.settings.get('globalBatchSize');
  if (!stated || !statesAccumulation(draft)) return;
  const product = run.microBatchSize.value * run.gradientAccumulationSteps.value * run.parallelism.data.value;
  if (stated.value !== product)
    draft.note(
      `the global batch of ${String(stated.value)} is not micro-batch × accumulation × data-parallel size (${product})`,
    );
}

const statesAccumulation = (draft: RunDraft): boolean => {
  const kind = draft.settings.get('gradientAccumulationSteps')?.evidence.kind;
  return kind === 'read' || kind === 'declared';
};

/** Where a global batch is a number of rows that was read as steps, the steps can be written there. */
function placeOfSteps({ evidence }: Setting<unknown>): { place?: SourcePlace } {
  const isSteps = evidence.kind === 'derived' && evidence.from.includes('microBatchSize');
  return isSteps && evidence.place !== undefined ? { place: evidence.place } : {};
}

/** Programs that state the global batch derive the accumulation from it. */
function settleAccumulation(draft: RunDraft, run: TrainingRun): TrainingRun {
  const stated = draft.settings.get('globalBatchSize');
  if (!stated || statesAccumulation(draft)) return run;
  const perStep = run.microBatchSize.value * run.parallelism.data.value;
  const value = Math.max(1, Math.round((stated.value as number) / perStep));
  const evidence = {
    kind: 'derived' as const,
    from: ['globalBatchSize', 'microBatchSize', 'parallelism.data'],
    rule: 'global batch ÷ (micro-batch × data-parallel size)',
    ...placeOfSteps(stated),
  };
  return { ...run, globalBatchSize: stated as Setting<number>, gradientAccumulationSteps: { value, evidence } };
}
