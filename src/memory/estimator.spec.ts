import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { loadFacts } from '../advisor/facts.js';
import type { Evidence, Setting } from '../run/setting.js';
import type { RunField, RunValues, TrainingRun } from '../run/training-run.js';
import { withSetting } from '../run/fields.js';
import type { DeviceTraits, Estimate, Interval } from './estimate.js';
import { estimate } from './estimator.js';
import { NotEstimable } from './not-estimable.js';

const facts = loadFacts();
const A100: DeviceTraits = { model: 'NVIDIA A100-SXM4-40GB', vendor: 'nvidia', computeCapability: 8 };
const evidence: Evidence = { kind: 'default', of: 'test', version: null };
const set = <T>(value: T): Setting<T> => ({ value, evidence });

/** A small fine-tuning of GPT-2, everything stated. */
const RUN: TrainingRun = {
  program: set<RunValues['program']>(null),
  framework: set({ name: 'pytorch', packages: {} }),
  model: set<RunValues['model']>({ name: 'gpt2', catalogId: null, config: null }),
  task: set('causal-lm'),
  microBatchSize: set(2),
  rowsPerSample: set(1),
  gradientAccumulationSteps: set(1),
  globalBatchSize: set(2),
  sequenceLength: set<number | null>(128),
  targetSequenceLength: set<number | null>(null),
  imageSize: set<[number, number] | null>(null),
  frames: set<number | null>(null),
  numClasses: set<number | null>(null),
  precision: set('fp32'),
  weights: set(null),
  optimizer: {
    name: set('adamw'),
    implementation: set('foreach'),
    momentum: set(0),
    weightDecay: set(0.01),
    amsgrad: set(false),
  },
  gradientClipping: set(false),
  activationCheckpointing: set('none'),
  attention: set('sdpa'),
  loss: set('standard'),
  kernels: set<string[]>([]),
  packing: set(false),
  dropout: set<number | null>(null),
  peft: {
    method: set('none'),
    rank: set<number | null>(null),
    dropout: set(0),
    targetModules: set<RunValues['peft']['targetModules']>(null),
    modulesToSave: set<string[]>([]),
    weights: set(null),
  },
  quantization: set('none'),
  parallelism: {
    sharding: set('none'),
    shardSize: set(1),
    fsdpVersion: set(2),
    data: set(1),
    tensor: set(1),
    sequence: set(false),
    pipeline: set(1),
    pipelineSchedule: set('1f1b'),
    virtualStages: set(1),
    context: set(1),
    expert: set(1),
    gradientAsBucketView: set(false),
  },
  offload: { parameters: set(false), optimizer: set(false), activations: set(false) },
  compile: set('none'),
  ema: set(false),
  channelsLast: set(false),
  allocator: set(''),
  worldSize: set(1),
  nodes: set(1),
  processesPerNode: set(1),
  trainingStep: {
    keepsOutputs: set(true),
    castsOutputs: set(false),
    compilesLoss: set(false),
    fullPrecisionEmbeddings: set(false),
  },
  prefetchedBatches: set(0),
  activity: set('train'),
  sharing: {
    process: set('common'),
    turn: set('apart'),
    keepsParameters: set(true),
    keepsOptimizerStates: set(true),
    emptiesCache: set(false),
    borrowsWeights: set(false),
    deviceShare: set<number | null>(null),
  },
};

const withValue = (run: TrainingRun, field: RunField, value: unknown): TrainingRun =>
  withSetting(run, field, { value, evidence });
const withRange = (field: RunField, value: unknown, range: { low: unknown; high: unknown }): TrainingRun =>
  withSetting(RUN, field, { value, evidence: { kind: 'assumed', reason: 'not said' }, range });
const estimateOf = (run: TrainingRun, device = A100): Estimate => estimate({ run, device, facts });

const FIGURES = ['allocatedBytes', 'reservedBytes', 'deviceBytes', 'minimumCapacityBytes'] as const;
const ordered = ({ low, expected, high }: Interval): boolean => low <= expected && expected <= high;

function expectSound(answer: Estimate): void {
  for (const figure of FIGURES) expect(ordered(answer[figure])).toBe(true);
  for (const end of ['low', 'expected', 'high'] as const) {
    expect(answer.allocatedBytes[end]).toBeLessThanOrEqual(answer.reservedBytes[end]);
    expect(answer.reservedBytes[end]).toBeLessThanOrEqual(answer.deviceBytes[end]);
    expect(answer.minimumCapacityBytes[end]).toBeLessThanOrEqual(answer.deviceBytes[end] + 2 ** 21);
  }
  const sum = answer.breakdown.reduce((total, { bytes }) => total + bytes, 0);
  expect(sum).toBe(answer.deviceBytes.expected);
  expect(answer.breakdown.every(({ bytes }) => bytes > 0)).toBe(true);
}

function notEstimable(run: TrainingRun): NotEstimable {
  try {
    estimateOf(run);
  } catch (error) {
    if (error instanceof NotEstimable) return error;
    throw error;
  }
  throw new Error('was estimated');
}

describe('segments that grow', () => {
  const MI300X: DeviceTraits = { model: 'AMD Instinct MI300X', vendor: 'amd', computeCapability: null };
  const growing = withValue(RUN, 'allocator', 'expandable_segments:True');
  const torch = (version: string): Estimate =>
    estimateOf(withValue(growing, 'framework', { name: 'pytorch', packages: { torch: version } }), MI300X);

  it('are fixed ones on AMD devices before torch 2.12, and it says so', () => {
    expect(torch('2.8.0').notes.join()).toMatch(/expandable_segments does nothing/);
    expect(torch('2.12.0').notes.join()).not.toMatch(/expandable_segments/);
    expect(torch('2.8.0').reservedBytes.expected).toBeGreaterThan(torch('2.12.0').reservedBytes.expected);
  });
});

describe('estimate of GPT-2 in fp32 with AdamW', () => {
  const answer = estimateOf(RUN);

  it('holds weights, gradients, two moments and one foreach temporary at the peak', () => {
    const bytes = new Map(answer.breakdown.map((part) => [part.category, part.bytes]));
    const weights = bytes.get('parameters') ?? 0;
    expect(weights).toBeGreaterThanOrEqual(4 * 124_439_808);
    expect(bytes.get('gradients')).toBe(weights);
    expect(bytes.get('optimizer-state')).toBe(2 * weights);
    expect(answer.peak).toMatchObject({ phase: 'step' });
  });

  it('counts a cuBLAS workspace for the main thread and one for autograd', () => {
    expect(answer.breakdown.find(({ category }) => category === 'workspaces')?.bytes).toBe(2 * 8_519_680);
  });

  it('is sound', () => expectSound(answer));

  it('draws a timeline whose top is the peak', () => {
    expect(answer.timeline.length).toBeLessThanOrEqual(200);
    const top = Math.max(...answer.timeline.map(({ allocatedBytes }) => allocatedBytes));
    expect(top).toBe(answer.allocatedBytes.expected);
  });

  it('knows its parameters', () => {
    expect(answer.parameters).toEqual({ total: 124_439_808, trainable: 124_439_808 });
  });
});

describe('uncertain settings', () => {
  it('widen the interval and are named first, with a remedy', () => {
    const answer = estimateOf(withRange('sequenceLength', 512, { low: 64, high: 1024 }));
    expectSound(answer);
    expect(answer.deviceBytes.high).toBeGreaterThan(1.2 * answer.deviceBytes.expected);
    expect(answer.contributors[0]).toMatchObject({ name: 'sequenceLength' });
    expect(answer.contributors[0]?.remedy).toContain('sequenceLength');
  });

  it('leave the expected figure alone', () => {
    const ranged = estimateOf(withRange('sequenceLength', 128, { low: 64, high: 256 }));
    expect(ranged.deviceBytes.expected).toBe(estimateOf(RUN).deviceBytes.expected);
  });

  it('together reach at least as far as each alone', () => {
    const one = withRange('sequenceLength', 128, { low: 64, high: 512 });
    const two = withSetting(one, 'microBatchSize', {
      value: 2,
      evidence: { kind: 'assumed', reason: 'not said' },
      range: { low: 1, high: 4 },
    });
    const [alone, both] = [estimateOf(one), estimateOf(two)];
    expectSound(both);
    expect(both.reservedBytes.high).toBeGreaterThanOrEqual(alone.reservedBytes.high);
    expect(both.reservedBytes.low).toBeLessThanOrEqual(alone.reservedBytes.low);
    expect(both.contributors.map(({ name }) => name)).toEqual(
      expect.arrayContaining(['sequenceLength', 'microBatchSize']),
    );
  });
});

describe('what the simulation leaves open', () => {
  it('widens a run whose settings are all known by at least 2 % to both sides', () => {
    const { allocatedBytes: figure, contributors } = estimateOf(RUN);
    expect(figure.low).toBeLessThanOrEqual(0.98 * figure.expected);
    expect(figure.high).toBeGreaterThanOrEqual(1.02 * figure.expected);
    expect(contributors.map(({ name }) => name)).toContain('repeatability');
  });

  it('is less together than the sum of what each contributes', () => {
    const { reservedBytes, contributors } = estimateOf(RUN);
    const outside = ['cuda-context', 'other-libraries', 'nccl-buffers'];
    const widths = contributors.filter(({ name }) => !outside.includes(name)).map(({ widthBytes }) => widthBytes);
    const sum = widths.reduce((total, width) => total + width, 0);
    expect(reservedBytes.high - reservedBytes.low).toBeLessThanOrEqual(sum);
    expect(reservedBytes.high - reservedBytes.low).toBeGreaterThanOrEqual(Math.max(...widths));
  });
});

describe('allocator settings', () => {
  it('expandable segments reserve less on fragmented runs, and allocate no more', () => {
    const plain = estimateOf(RUN);
    const expandable = estimateOf(withValue(RUN, 'allocator', 'expandable_segments:True'));
    expect(expandable.reservedBytes.expected).toBeLessThan(plain.reservedBytes.expected);
    expect(expandable.allocatedBytes.expected).toBeLessThanOrEqual(plain.allocatedBytes.expected);
  });

  it('says what it could not read', () => {
    expect(estimateOf(withValue(RUN, 'allocator', 'max_split_size_mb:2')).notes[0]).toContain('max_split_size_mb');
  });
});

describe('what cannot be estimated', () => {
  it('is a run without a model', () => {
    expect(notEstimable(withValue(RUN, 'model', null)).unknown[0]).toMatchObject({ field: 'model' });
  });

  it('is a model of unknown name, with the closest ones', () => {
    const { unknown } = notEstimable(withValue(RUN, 'model', { name: 'openai/gptt2', catalogId: null, config: null }));
    expect(unknown[0]?.field).toBe('model');
    expect(unknown[0]?.reason).toContain('openai-community/gpt2');
    expect(unknown[0]?.declare).toContain('model: {name: openai/gptt2, config: ');
  });

  it('never tells to declare another model in its place', () => {
    const flux = { name: 'black-forest-labs/FLUX.9-dev', catalogId: null, config: null };
    const { unknown } = notEstimable(withValue(withValue(RUN, 'task', 'diffusion'), 'model', flux));
    expect(unknown[0]?.reason).toContain('closest: black-forest-labs/FLUX');
    expect(unknown[0]?.declare).not.toContain('FLUX');
  });

  it('is a family that is not covered', () => {
    const config = { model_type: 'rwkv-99' };
    const error = notEstimable(withValue(RUN, 'model', { name: 'my-model', catalogId: null, config }));
    expect(error.unknown[0]).toMatchObject({ field: 'model' });
    expect(error.message).toContain('rwkv-99');
  });

  it('is a text model without a sequence length', () => {
    expect(notEstimable(withValue(RUN, 'sequenceLength', null)).unknown[0]).toMatchObject({ field: 'sequenceLength' });
  });
});

describe('checkpointing of a model whose repeated parts are not known', () => {
  const image = (checkpointing: 'none' | 'full'): TrainingRun => {
    const model = withValue(RUN, 'model', { name: 'resnet50', catalogId: null, config: null });
    const task = withValue(withValue(model, 'task', 'image-classification'), 'imageSize', [224, 224]);
    return withValue(withValue(task, 'sequenceLength', null), 'activationCheckpointing', checkpointing);
  };

  it('is said to be unknown, not passed over', () => {
    expect(notEstimable(image('full')).unknown).toEqual([
      { field: 'activationCheckpointing', reason: expect.stringContaining('only estimated without') },
    ]);
  });

  it('is no matter where nothing is checkpointed', () => {
    expect(estimateOf(image('none')).allocatedBytes.expected).toBeGreaterThan(0);
  });
});

describe('hostile or mistyped runs', () => {
  it('of a million layers are refused, not built', () => {
    const config = { n_layer: 1_000_000 };
    const error = notEstimable(withValue(RUN, 'model', { name: 'gpt2', catalogId: null, config }));
    expect(error.message).toContain('n_layer');
  });

  it('of a billion accumulation steps take no longer than others, and have the same peak', () => {
    const [four, many] = [4, 1_000_000_000].map((steps) =>
      estimateOf(withValue(RUN, 'gradientAccumulationSteps', steps)),
    );
    expect(many).toEqual(four);
  });

  it('of astronomic sizes end, with figures or with a reason', () => {
    const huge = withValue(withValue(RUN, 'microBatchSize', 1_000_000_000), 'sequenceLength', 1_000_000_000);
    expect(estimateOf(huge).allocatedBytes.expected).toBeGreaterThan(2 ** 60);
    expect(notEstimable(withValue(huge, 'allocator', 'expandable_segments:True')).unknown[0]?.field).toBe(
      'microBatchSize',
    );
  });
});

describe('a described model', () => {
  it('is taken from its configuration, which wins over the name', () => {
    const config = { n_layer: 2 };
    const answer = estimateOf(withValue(RUN, 'model', { name: 'gpt2', catalogId: null, config }));
    expect(answer.parameters.total).toBeLessThan(60_000_000);
  });
});

describe('any run', () => {
  const small = fc.record({
    microBatchSize: fc.integer({ min: 1, max: 8 }),
    sequenceLength: fc.constantFrom(16, 64, 100, 256),
    precision: fc.constantFrom('fp32', 'bf16', 'amp-bf16', 'amp-fp16'),
    'optimizer.name': fc.constantFrom('adamw', 'sgd'),
    'optimizer.implementation': fc.constantFrom('foreach', 'fused', 'for-loop'),
    activationCheckpointing: fc.constantFrom('none', 'full'),
    allocator: fc.constantFrom('', 'expandable_segments:True', 'max_split_size_mb:64'),
  });
  const runOf = (settings: Record<string, unknown>): TrainingRun =>
    Object.entries(settings).reduce(
      (run, [field, value]) => withValue(run, field as RunField, value),
      withValue(RUN, 'model', { name: 'gpt2', catalogId: null, config: { n_layer: 3 } }),
    );

  it('has figures in order and a breakdown that adds up', () => {
    fc.assert(
      fc.property(small, (settings) => expectSound(estimateOf(runOf(settings)))),
      { numRuns: 40 },
    );
  });

  it('never needs less with a larger micro-batch', () => {
    fc.assert(
      fc.property(small, fc.integer({ min: 1, max: 8 }), (settings, more) => {
        const larger = { ...settings, microBatchSize: settings.microBatchSize + more };
        const [before, after] = [estimateOf(runOf(settings)), estimateOf(runOf(larger))];
        // The allocator's statistic counts remainders too small to split off, which depend on how sizes fall.
        const slack = 0.005 * before.allocatedBytes.expected;
        expect(after.allocatedBytes.expected).toBeGreaterThanOrEqual(before.allocatedBytes.expected - slack);
      }),
      { numRuns: 40 },
    );
  });
});

describe('scratch memory of convolutions', () => {
  it('is read where there is room, and not counted in the least that survives: PyTorch takes another algorithm', () => {
    const network = { name: 'vgg16', catalogId: null, config: null };
    const run = withValue(
      withValue(withValue(RUN, 'model', network), 'task', 'image-classification'),
      'sequenceLength',
      null,
    );
    const batch = withValue(run, 'microBatchSize', 64);
    const t4: DeviceTraits = { model: 'Tesla T4', vendor: 'nvidia', computeCapability: 7.5 };
    const answer = estimateOf(batch, t4);
    // The second layer's tiles alone: 2.25 times its input and its output of 64 channels at 224 x 224 in fp32
    const tiles = 2.25 * 2 * 64 * 64 * 224 * 224 * 4;
    expect(answer.deviceBytes.expected - answer.minimumCapacityBytes.expected).toBeGreaterThan(tiles / 2);
    expectSound(answer);
  });
});
