import type { Architecture, BatchSizes } from '../model/definition.js';
import type { DType } from '../model/dtype.js';
import { bfloat16, float16, float32 } from '../model/dtype.js';
import type { Linear, Parameter } from '../model/module-tree.js';
import type { CodeOperations, Operations } from '../model/operations.js';
import type { Attention, Precision, RunValues, WeightType } from '../run/training-run.js';
import { virtualTokens } from './adapters/input-adapter.js';
import { adapterTypeOf, hasOwnAdapters, scalesAllLayers } from './adapters/adapter-type.js';
import type { GradientAddition } from './autograd/engine.js';
import { Engine } from './autograd/engine.js';
import { habitsOf } from './autograd/torch-habits.js';
import type { EngineTensor } from './autograd/graph.js';
import { batchLoader } from './batch-loader.js';
import { optimizerOnHost } from './host-memory.js';
import { HostOffload } from './autograd/host-offload.js';
import { blockRunner, sectionRunner } from './block-runner.js';
import { modelCodeOf } from './rank-view-of.js';
import { isBefore, versionOf } from './device/versions.js';
import type { MemoryEvents } from './events.js';
import type { Interpretation } from './interpreter.js';
import { createOperations } from './interpreter.js';
import type { ModelState } from './model-state.js';
import { placeModel } from './model-state.js';
import { placeMovingAverage } from './moving-average.js';
import { NotEstimable } from './not-estimable.js';
import type { KernelChoice } from './operations/attention.js';
import type { ConvolutionWorkspace } from './operations/convolution-workspace.js';
import { linear } from './operations/matrix.js';
import type { ParameterRoles } from './optimizer/optimizers.js';
import { optimizerOf } from './optimizer/optimizers.js';
import { parameterRoles } from './optimizer/parameter-roles.js';
import type { Optimizer } from './optimizer/optimizer.js';
import type { ParallelStrategy } from './parallel/parallelism.js';
import { parallelStrategy } from './parallel/parallelism.js';
import { float8Linear, takesFloat8 } from './precision/float8-linear.js';
import type { QuantisedCode } from './precision/quantised-code.js';
import { quantisedCodeOf } from './precision/quantised-code.js';
import { EngineFloat8 } from './precision/engine-float8.js';
import { quantisedLinear } from './precision/quantised-linear.js';
import { GradScaler } from './precision/grad-scaler.js';
import type { ScheduledPass } from './pipeline/schedule.js';
import { scheduleOf } from './pipeline/schedule.js';
import type { StageParts } from './pipeline/pipeline-stage.js';
import { runPipelineStage } from './pipeline/pipeline-stage.js';
import { equalLayers, repetitionOf } from './repetition/equal-layers.js';
import type { LayerRepetition } from './repetition/layer-repetition.js';
import type { LayerRun } from './repetition/layer-runs.js';
import { isInGap } from './repetition/layer-runs.js';
import { NotRepeated } from './repetition/not-repeated.js';
import type { LoopConventions, TrainingLoop } from './training-loop.js';
import { runTrainingLoop } from './training-loop.js';

export interface SimulationOptions {
  /** Two give the peak: optimizer states appear in the first. Reserved memory may need a third. */
  iterations: number;
  gradientAddition: GradientAddition;
  /** Of the device, such as 8.0; null: as 8.0. Decides whether flash attention is there. */
  computeCapability: number | null;
  /** How the script treats the model's outputs; the plain loop drops them. */
  conventions?: LoopConventions;
  /** Scratch memory of the convolution library; none where left out. */
  convolutionWorkspace?: ConvolutionWorkspace;
  /** Place of the rank among the pipeline's stages, from 0; left out where there is no pipeline. */
  stage?: number;
  /** Further parts of the model on the same rank, where stages are interleaved. */
  chunks?: readonly Architecture[];
  /** Equal layers are run each by itself: the result is the same. */
  runsEveryLayer?: boolean;
  /** Sharded training sums gradients in fp32 (MixedPrecision's reduce type); the default. */
  reduceInFloat32?: boolean;
}

const NOTHING_TRAINED = {
  field: 'peft.targetModules',
  reason:
    'none of the modules that are named for adapters is a linear layer of this model, so nothing would be trained',
};

const PLAIN_LOOP: LoopConventions = { keepsOutputs: false, outputsToFloat32: false, compilesLoss: false };

/** flash attention needs Ampere. */
const FLASH_CAPABILITY = 8.0;

const AUTOCAST: Partial<Record<Precision, DType>> = { 'amp-fp16': float16, 'amp-bf16': bfloat16, fp8: bfloat16 };
const WEIGHTS: Partial<Record<Precision, DType>> = { fp16: float16, bf16: bfloat16 };
const KEPT: Readonly<Record<NonNullable<WeightType>, DType>> = { fp32: float32, fp16: float16, bf16: bfloat16 };

/** A model as it lies on a device, and how it is run there. */
export interface ModelOnDevice {
  engine: Engine;
  strategy: ParallelStrategy;
  states: readonly ModelState[];
  /** Of each part of the model on the rank. */
  operations: readonly Operations[];
  sizes: BatchSizes;
  autocast: DType | null;
  /** Layers between equal ones are written down instead of run; null: all are run. */
  repetition: LayerRepetition | null;
}

/**
 * Puts the model of a run on the device, whole or in parts. Of `runs` of equal layers only the ends will be run.
 *
 * Throws NotEstimable for settings that cannot be run yet, naming each.
 */
export function modelOnDevice(
  values: RunValues,
  architecture: Architecture,
  options: SimulationOptions,
  runs: readonly LayerRun[] = [],
): ModelOnDevice {
  const engine = new Engine(options.gradientAddition, options.convolutionWorkspace);
  engine.habits = habitsOf((release) => isBefore(versionOf(values, 'torch'), release));
  engine.recorder.phase('model', 1);
  const strategy = parallelStrategy(engine, values, {
    architecture,
    reduceInFloat32: options.reduceInFloat32 ?? true,
    isLeftOut: (block) => runs.some((run) => isInGap(run, block)),
  });
  const dtype = strategy.weightType ?? weightType(values);
  const quantised = quantisedCodeOf(values);
  const placement = {
    engine,
    dtype,
    peft: withTargets(values.peft, architecture),
    quantised,
    adapterType: adapterTypeOf(values, dtype, KEPT),
    scalesAll: scalesAllLayers(values),
    ownAdapters: hasOwnAdapters(values),
    place: strategy.place,
    frozen: values.activity === 'forward',
  };
  const chunks = [architecture, ...(options.chunks ?? [])];
  const states = chunks.map((chunk) => placeModel({ ...placement, architecture: chunk }));
  const float8 = engineFloat8(engine, values);
  const repetition = repetitionOf(runs, engine, { architecture, state: states[0]!, strategy });
  const blocks = blockRunner(engine, values, strategy.runBlock);
  const operations = states.map((one) =>
    createOperations({
      engine,
      parameters: one.parameters,
      buffers: one.buffers,
      linear: linearLayers(engine, one, { quantised, inFloat8: values.precision === 'fp8' }),
      isAdapted: ({ index }) => one.adapters.has(index),
      runBlock: repetition?.around(blocks) ?? blocks,
      runSection: sectionRunner(engine, values),
      float8,
      attention: attentionOf(values.attention),
      kernels: kernelsOf(values.attention, options.computeCapability),
      compilesLoss: options.conventions?.compilesLoss ?? false,
      dropout: values.dropout,
      gradientLeaf: inputGradientLeaf(values, architecture, one),
      inputs: one.inputs,
      code: codeOf(values),
    }),
  );
  const autocast = strategy.replacesAutocast ? null : autocastType(values);
  return { engine, strategy, states, operations, sizes: batchSizes(values, dtype), autocast, repetition };
}

/**
 * Runs the training loop of an architecture on shapes alone and returns every allocation and free in order.
 *
 * Throws NotEstimable for settings that cannot be run yet, naming each.
 */
export function simulate(values: RunValues, architecture: Architecture, options: SimulationOptions): MemoryEvents {
  const takesAll = options.runsEveryLayer === true || (options.chunks ?? []).length > 0;
  const runs = takesAll ? [] : equalLayers(values, architecture);
  try {
    return simulateLayers(values, architecture, options, runs);
  } catch (error) {
    if (!(error instanceof NotRepeated)) throw error;
    return simulateLayers(values, architecture, options, []);
  }
}

function simulateLayers(
  values: RunValues,
  architecture: Architecture,
  options: SimulationOptions,
  runs: readonly LayerRun[],
): MemoryEvents {
  const { conventions = PLAIN_LOOP, chunks: further = [] } = options;
  const model = modelOnDevice(values, architecture, options, runs);
  const { engine, strategy, states, operations } = model;
  const [state] = states as [ModelState, ...ModelState[]];
  for (const one of states) placeMovingAverage(engine, values, one);
  const trained = trainedOf(states, values);
  const stepped = strategy.begin(trained);
  const optimizer = trainer(values, parameterRoles(architecture, state.parameters, values));
  optimizer.begin?.(engine, stepped);
  stepInBackward(engine, values, optimizer);
  const loop: TrainingLoop = {
    engine,
    architecture,
    operations: operations[0]!,
    sizes: model.sizes,
    loadBatch: batchLoader({ engine, architecture, sizes: model.sizes }, values.prefetchedBatches),
    iterations: options.iterations,
    accumulationSteps: values.gradientAccumulationSteps,
    autocast: model.autocast,
    trained: stepped,
    cleared: clearedLeaves(values, strategy.cleared?.(trained) ?? stepped),
    optimizer,
    clips: values.gradientClipping,
    scaler: gradScaler(values),
    around: strategy.around,
    savedTensors: hostOffload(engine, values),
    repetition: model.repetition,
    conventions,
  };
  runLoop(loop, { chunks: [architecture, ...further], operations }, passesOf(values, options));
  return { ...engine.recorder.finish(), parameters: countsOf(states) };
}

const passesOf = (values: RunValues, { stage }: SimulationOptions): readonly ScheduledPass[] | null =>
  stage === undefined ? null : scheduleOf(values, stage);

/** The loop of a device that has the whole model, or that of a stage in its schedule. */
function runLoop(loop: TrainingLoop, stage: StageParts, schedule: readonly ScheduledPass[] | null): void {
  if (schedule === null) runTrainingLoop(loop);
  else runPipelineStage(loop, stage, schedule);
}

const gradScaler = ({ precision }: RunValues): GradScaler | null =>
  precision === 'amp-fp16' ? new GradScaler() : null;

/** Saved tensors that torchtune's copying stream may still be reading (`max_fwd_stash_size` of OffloadActivations). */
const TORCHTUNE_STASH = 5;

const hostOffload = (engine: Engine, values: RunValues): HostOffload | null =>
  values.offload.activations
    ? new HostOffload(engine, modelCodeOf(values) === 'torchtune' ? TORCHTUNE_STASH : 0)
    : null;

const engineFloat8 = (engine: Engine, { precision, kernels }: RunValues): EngineFloat8 | null =>
  precision === 'fp8' ? new EngineFloat8(engine, kernels.includes('fp8-param-gather')) : null;

const countsOf = (states: readonly ModelState[]): ModelState['counts'] => ({
  total: states.reduce((sum, { counts }) => sum + counts.total, 0),
  trainable: states.reduce((sum, { counts }) => sum + counts.trainable, 0),
});

function codeOf(values: RunValues): CodeOperations {
  const kernels = new Set(values.kernels);
  return { lossKind: values.loss, kernels, isBefore: (name, version) => isBefore(versionOf(values, name), version) };
}

/** Release from which on `zero_grad` sets gradients to None; before, they stay and are filled with zeros. */
const SETS_TO_NONE = [2, 0];

const clearedLeaves = (values: RunValues, leaves: readonly EngineTensor[]): readonly EngineTensor[] =>
  isBefore(versionOf(values, 'torch'), SETS_TO_NONE) ? [] : leaves;

/** Each parameter is stepped as soon as it has its gradient, which then dies (`register_post_accumulate_grad_hook`). */
function stepInBackward(engine: Engine, { kernels }: RunValues, optimizer: Optimizer): void {
  if (!kernels.includes('optimizer-in-backward')) return;
  const before = engine.gradientHook;
  engine.gradientHook = (parameter) => {
    before?.(parameter);
    const { gradient } = parameter;
    if (gradient === null) return;
    optimizer.step(engine, [parameter]);
    parameter.gradient = null;
    engine.release(gradient);
  };
}

/** Methods that train what goes into the model rather than weights. */
const INPUT_METHODS: readonly string[] = ['prompt', 'prefix', 'adapter'];

/** The leaves that are trained; throws where there are none. */
function trainedOf(states: readonly ModelState[], { peft }: RunValues): EngineTensor[] {
  const trained = states.flatMap((state) => state.trained);
  if (trained.length === 0 && !INPUT_METHODS.includes(peft.method)) throw new NotEstimable([NOTHING_TRAINED]);
  return trained;
}

/** The layers that the model's scripts adapt, where the run names none. */
const withTargets = (peft: RunValues['peft'], { adapterTargets }: Architecture): RunValues['peft'] =>
  peft.targetModules === null && adapterTargets ? { ...peft, targetModules: [...adapterTargets] } : peft;

const weightType = ({ precision, weights }: RunValues): DType =>
  weights === null ? (WEIGHTS[precision] ?? float32) : KEPT[weights];
const autocastType = ({ precision }: RunValues): DType | null => AUTOCAST[precision] ?? null;

function trainer(values: RunValues, roles: ParameterRoles): Optimizer {
  const optimizer = optimizerOf(values.optimizer, roles);
  if (optimizer !== undefined) return values.offload.optimizer ? optimizerOnHost(optimizer) : optimizer;
  throw new NotEstimable([
    { field: 'optimizer.name', reason: `optimizer ${values.optimizer.name} is not covered yet` },
  ]);
}

/** A linear layer with its adapter, if it has one. */
function linearLayers(
  engine: Engine,
  state: ModelState,
  { quantised, inFloat8 }: { quantised: QuantisedCode | null; inFloat8: boolean },
): Interpretation['linear'] {
  const whole = (x: EngineTensor, layer: Linear): EngineTensor =>
    (inFloat8 && takesFloat8(layer) ? float8Linear : linear)(engine, x, layer, {
      weight: state.parameters[layer.weight.index]!,
      bias: layer.bias && state.parameters[layer.bias.index]!,
    });
  const plain = (x: EngineTensor, layer: Linear): EngineTensor =>
    quantised !== null && state.quantised.has(layer.index)
      ? quantisedLinear(engine, x, layer, quantised)
      : whole(x, layer);
  if (state.adapters.size === 0) return state.quantised.size === 0 ? whole : plain;
  return (x, layer) => {
    const adapter = state.adapters.get(layer.index);
    return adapter === undefined ? plain(x, layer) : adapter.linear(engine, x, (input) => plain(input, layer));
  };
}

/**
 * With a frozen base, checkpointing needs the embedding's output to ask for a gradient (enable_input_require_grads); so do
 * methods that train what goes in: prompts, or rows of the table.
 */
function inputGradientLeaf(
  { peft, activationCheckpointing }: RunValues,
  { inputTable }: Architecture,
  { trained }: ModelState,
): Parameter | null {
  if (peft.method === 'none' || peft.method === 'frozen-backbone') return null;
  return activationCheckpointing !== 'none' || trained.length === 0 ? (inputTable ?? null) : null;
}

function batchSizes(values: RunValues, dtype: DType): BatchSizes {
  const sequence = (values.sequenceLength ?? 1) + virtualTokens(values.peft);
  const image = values.imageSize ?? [224, 224];
  const targetSequence = values.targetSequenceLength ?? sequence;
  const { frames, sequenceLength: prompt } = values;
  const batch = values.microBatchSize * values.rowsPerSample;
  return { batch, sequence, targetSequence, image, frames, prompt, dtype };
}

function attentionOf(attention: Attention): 'eager' | 'sdpa' | 'flash' {
  if (attention === 'eager') return 'eager';
  return attention.startsWith('flash-attention') ? 'flash' : 'sdpa';
}

function kernelsOf(attention: Attention, capability: number | null): KernelChoice {
  if (attention === 'sdpa-math') return { flash: false, efficient: false };
  if (attention === 'sdpa-efficient') return { flash: false, efficient: true };
  return { flash: (capability ?? FLASH_CAPABILITY) >= FLASH_CAPABILITY, efficient: true };
}
