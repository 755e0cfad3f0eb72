import type { ModelCatalog } from '../model/catalog.js';
import { architectureOf } from '../model/architecture.js';
import type { Architecture } from '../model/definition.js';
import { float32 } from '../model/dtype.js';
import { UnsupportedModel } from '../model/unsupported-model.js';
import type { RunValues } from '../run/training-run.js';
import type { AllocatorConfig } from './allocator/config.js';
import { parseAllocatorConfig } from './allocator/config.js';
import type { Replay } from './allocator/replay.js';
import { replay } from './allocator/replay.js';
import { smallestSurvivingLimit } from './allocator/smallest-limit.js';
import { NothingTrained } from './autograd/backward.js';
import { ShapeMismatch } from './autograd/strides.js';
import { uncovered } from './coverage.js';
import { cudnnWorkspace } from './device/cudnn-workspace.js';
import { cublasWorkspaces } from './device/cublas-workspace.js';
import { withInjected } from './device/injection.js';
import { isBefore, versionOf } from './device/versions.js';
import type { DeviceTraits } from './estimate.js';
import type { MemoryEvents } from './events.js';
import { conventionsOf } from './loop-conventions.js';
import { NotEstimable } from './not-estimable.js';
import { CONVOLUTION_WORKSPACE } from './operations/convolution-workspace.js';
import { modelCodeOf } from './rank-view-of.js';
import { decisiveStages, stageViews } from './pipeline/stage-views.js';
import { nativeImageSize, resolveModel } from './resolve-model.js';
import { simulateForward } from './forward-only.js';
import { simulate } from './simulate.js';

/** States of the optimizer appear in the first step, so that the second iteration has the peak. */
const ITERATIONS = 2;
/**
 * Steps of gradient accumulation that are simulated. The first finds no gradients, every later one finds them all; the
 * last also reduces them. What lies between repeats, event by event.
 */
const MOST_MICRO_STEPS = 3;

/** What a forecast is made for and from. */
export interface ForecastContext {
  device: DeviceTraits;
  models: ModelCatalog;
  /** Whether the bytes after every event are kept. */
  series?: boolean;
  /** Only this stage of a pipeline; left out: the one that needs most. */
  stage?: 'first' | 'last';
}

/** One run of the training loop at definite values, through the caching allocator of a device with room. */
export interface Forecast {
  values: RunValues;
  events: MemoryEvents;
  allocator: AllocatorConfig;
  unlimited: Replay;
  parameters: { total: number; trainable: number };
  /** Notes on settings that were read differently than written. */
  notes: readonly string[];
}

/**
 * Simulates and replays a run at definite values.
 *
 * Throws NotEstimable where the model is unknown, its architecture or a setting is not covered, or a length is missing.
 */
export function forecast(values: RunValues, context: ForecastContext): Forecast {
  const { pipeline } = values.parallelism;
  const asked = { first: [0], last: [pipeline - 1] } as const;
  const stages = context.stage === undefined ? decisiveStages(values) : asked[context.stage];
  const forecasts = stages.map((stage) => forecastStage(values, context, stage));
  return forecasts.reduce((most, one) =>
    one.unlimited.peakReservedBytes > most.unlimited.peakReservedBytes ? one : most,
  );
}

function forecastStage(values: RunValues, context: ForecastContext, stage: number): Forecast {
  const complete = withImageSize(values, context.models);
  const asked = parseAllocatorConfig(complete.allocator);
  const { config, problems } = hasGrowingSegments(complete, context.device) ? asked : withoutGrowing(asked);
  const simulated = simulateRun(complete, context, stage);
  const events = withInjected(simulated, cublasWorkspaces(simulated, complete, context.device));
  const unlimited = replay(events, config, Infinity, { series: context.series === true });
  if (!unlimited.survived) throw new NotEstimable([BEYOND_ANY_DEVICE]);
  return {
    values: complete,
    events,
    allocator: config,
    unlimited,
    parameters: simulated.parameters,
    notes: [...problems, ...stageNote(values, stage)],
  };
}

/** Release since which segments grow on AMD's devices (PyTorch pull request 177974; before, it warns and goes on without). */
const GROWS_ON_AMD = [2, 12];

const hasGrowingSegments = (values: RunValues, { vendor }: DeviceTraits): boolean =>
  vendor !== 'amd' || !isBefore(versionOf(values, 'torch'), GROWS_ON_AMD);

type AskedAllocator = ReturnType<typeof parseAllocatorConfig>;

function withoutGrowing(asked: AskedAllocator): AskedAllocator {
  if (!asked.config.expandableSegments) return asked;
  const note = 'expandable_segments does nothing on this device with this release of PyTorch';
  return { config: { ...asked.config, expandableSegments: false }, problems: [...asked.problems, note] };
}

/**
 * Bytes of device memory that the allocator needs at least, giving unused segments back; to within 0.5 %. Scratch memory of
 * convolutions is not among them: where an algorithm cannot have its own, PyTorch takes the next, down to those that need
 * none (aten/src/ATen/native/cudnn/Conv_v7.cpp and Conv_v8.cpp go on after an OutOfMemoryError).
 */
export function smallestLimitOf({ events, allocator, unlimited }: Forecast): number {
  const toleranceBytes = unlimited.peakReservedBytes / 200;
  const needed = withoutConvolutionWorkspaces(events);
  if (needed === events) return smallestSurvivingLimit(events, allocator, { unlimited, toleranceBytes });
  return smallestSurvivingLimit(needed, allocator, { toleranceBytes });
}

/** The list itself where there are none. */
export function withoutConvolutionWorkspaces(list: MemoryEvents): MemoryEvents {
  const workspace = list.operationNames.indexOf(CONVOLUTION_WORKSPACE);
  if (workspace < 0 || !list.operations.includes(workspace)) return list;
  const isWorkspace = (block: number): boolean => list.operations[block] === workspace;
  return { ...list, events: list.events.filter((event) => !isWorkspace(event >= 0 ? event : -event - 1)) };
}

/** A single tensor that the address space of a GPU cannot hold. */
const BEYOND_ANY_DEVICE = {
  field: 'microBatchSize',
  reason: 'a single tensor of this run is larger than the memory of any device: is the batch or a length mistyped?',
};

type Simulated = MemoryEvents & Required<Pick<MemoryEvents, 'parameters'>>;

function simulateRun(values: RunValues, context: ForecastContext, stage: number): Simulated {
  const model = resolveModel(values, context.models);
  const gaps = uncovered(values);
  if (gaps.length > 0) throw new NotEstimable(gaps);
  try {
    const [architecture, ...chunks] = stageViews(values, model, stage).map((view) =>
      architectureOf(model, values.task, view),
    ) as [Architecture, ...Architecture[]];
    requireSequenceLength(values, architecture);
    requireBlocks(values, architecture);
    const passes = values.activity === 'forward' ? simulateForward : simulate;
    const events = passes(withSections(withFewMicroSteps(values)), architecture, {
      iterations: ITERATIONS,
      ...(values.parallelism.pipeline > 1 ? { stage, chunks } : {}),
      gradientAddition: 'in-place',
      computeCapability: context.device.computeCapability,
      conventions: conventionsOf(values),
      convolutionWorkspace: cudnnWorkspace(values, context.device),
    });
    const all = { total: architecture.parameterCount, trainable: architecture.parameterCount };
    return { ...events, parameters: events.parameters ?? all };
  } catch (error) {
    if (error instanceof UnsupportedModel) throw new NotEstimable([{ field: 'model', reason: error.message }]);
    if (error instanceof ShapeMismatch && values.imageSize !== null) throw otherImageSize(values, context.models);
    if (error instanceof NothingTrained) throw nothingTrained(values);
    throw error;
  }
}

function nothingTrained({ peft, model }: RunValues): NotEstimable {
  const reason = `${peft.method} leaves nothing in ${model?.name ?? 'the model'} to train`;
  return new NotEstimable([{ field: 'peft.method', reason }]);
}

/** Networks with a position for each patch, or a layer over the whole image, run at the size they are built for. */
function otherImageSize(values: RunValues, models: ModelCatalog): NotEstimable {
  const [height, width] = values.imageSize ?? [];
  const native = nativeImageSize({ ...values, imageSize: null }, models);
  const reason = `${values.model?.name ?? 'the model'} does not run on images of ${height} × ${width} pixels`;
  return new NotEstimable([
    { field: 'imageSize', reason, ...(native === null ? {} : { declare: `imageSize: [${native.join(', ')}]` }) },
  ]);
}

/** Stages of a pipeline bound their micro-batches themselves, by what is in flight. */
const withFewMicroSteps = (values: RunValues): RunValues =>
  values.parallelism.pipeline > 1
    ? values
    : { ...values, gradientAccumulationSteps: Math.min(values.gradientAccumulationSteps, MOST_MICRO_STEPS) };

/** What Megatron recomputes selectively where nothing is named: attention between its projections. */
const MEGATRON_SECTIONS = { modules: ['core_attn'] };

const withSections = (values: RunValues): RunValues =>
  values.activationCheckpointing === 'selective' && modelCodeOf(values) === 'megatron'
    ? { ...values, activationCheckpointing: MEGATRON_SECTIONS }
    : values;

function stageNote({ parallelism: { pipeline } }: RunValues, stage: number): readonly string[] {
  return pipeline === 1 ? [] : [`of the ${pipeline} pipeline stages, the ${stage === 0 ? 'first' : 'last'} needs most`];
}

/** Checkpointing of a model whose repeated parts are not known would be passed over in silence. */
function requireBlocks({ activationCheckpointing }: RunValues, { root }: Architecture): void {
  if (activationCheckpointing === 'none' || root.blocks.length > 0) return;
  const reason = 'which parts of this model are checkpointed is not known, so it is only estimated without';
  throw new NotEstimable([{ field: 'activationCheckpointing', reason }]);
}

/** A model whose inputs depend on a length cannot do without one. */
function requireSequenceLength(values: RunValues, architecture: Architecture): void {
  if (values.sequenceLength !== null) return;
  const sizes = {
    batch: 1,
    sequence: 1,
    targetSequence: 1,
    image: [32, 32],
    frames: null,
    prompt: null,
    dtype: float32,
  } as const;
  const [short, long] = [1, 2].map((sequence) => JSON.stringify(architecture.inputs({ ...sizes, sequence })));
  if (short === long) return;
  throw new NotEstimable([
    {
      field: 'sequenceLength',
      reason: `nothing says how long the sequences of ${architecture.name} are`,
      declare: 'sequenceLength: 2048',
    },
  ]);
}

function withImageSize(values: RunValues, models: ModelCatalog): RunValues {
  const imageSize = nativeImageSize(values, models);
  return imageSize === values.imageSize ? values : { ...values, imageSize };
}
