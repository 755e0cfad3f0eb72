import type { Architecture, Batch, BatchSizes } from '../model/definition.js';
import type { DType } from '../model/dtype.js';
import { float32 } from '../model/dtype.js';
import type { Operations } from '../model/operations.js';
import { runBackward } from './autograd/backward.js';
import type { Engine } from './autograd/engine.js';
import type { EngineTensor, SavingHook } from './autograd/graph.js';
import { operation } from './autograd/operation-names.js';
import type { BatchLoader, HeldBatch } from './batch-loader.js';
import { UNARY } from './operations/unary.js';
import { unary } from './operations/elementwise.js';
import { clipGradients } from './optimizer/gradient-clipping.js';
import type { Optimizer } from './optimizer/optimizer.js';
import { toType } from './precision/autocast.js';
import type { LayerRepetition } from './repetition/layer-repetition.js';
import type { GradScaler } from './precision/grad-scaler.js';

/** What the training script does around the model, beyond the plain loop. */
export interface LoopConventions {
  /** `outputs` lives on until the next iteration's, logits and all. */
  keepsOutputs: boolean;
  /** accelerate's `ConvertOutputsToFp32` around forward. */
  outputsToFloat32: boolean;
  /** The loss is compiled, with the model or by itself. */
  compilesLoss: boolean;
}

/** What happens around the passes of each micro-batch. */
export interface AroundPasses {
  beforeForward?(): void;
  afterForward?(): void;
  /** The loss has its gradient. */
  beforeBackward?(): void;
  afterBackward?(): void;
  beforeStep?(): void;
  afterStep?(): void;
  /** Before each micro-step; the last one of an accumulation is followed by the optimizer's step. */
  beginMicroStep?(isLast: boolean): void;
}

export interface TrainingLoop {
  engine: Engine;
  architecture: Architecture;
  operations: Operations;
  sizes: BatchSizes;
  /** What the data loader puts on the device. */
  loadBatch: BatchLoader;
  iterations: number;
  accumulationSteps: number;
  autocast: DType | null;
  /** Leaves whose gradients the step uses, in `model.parameters()` order. */
  trained: readonly EngineTensor[];
  /** Leaves whose gradients `zero_grad` lets go of; mostly the same. None where it writes zeros over them. */
  cleared: readonly EngineTensor[];
  optimizer: Optimizer;
  clips: boolean;
  scaler: GradScaler | null;
  conventions: LoopConventions;
  /** Sharded and replicated training act around forward and backward. */
  around?: AroundPasses;
  /** Layers between equal ones are written down instead of run. */
  repetition?: LayerRepetition | null;
  /** Where tensors that forward saves go, if not kept on the device. */
  savedTensors?: SavingHook | null;
}

export const ONES_LIKE = operation('ones_like');

/** Names of the script's frame. */
interface Names {
  batch: HeldBatch | null;
  loss: EngineTensor | null;
  outputs: readonly EngineTensor[];
}

/**
 * The loop `batch, zero_grad, forward, loss, backward, (clip), step`, with the lifetimes of a Python script: a name's old
 * value dies when the name is bound again.
 */
export function runTrainingLoop(loop: TrainingLoop): void {
  const names: Names = { batch: null, loss: null, outputs: [] };
  for (let iteration = 1; iteration <= loop.iterations; iteration++) {
    loop.repetition?.beginIteration();
    for (let step = 0; step < loop.accumulationSteps; step++) {
      loop.repetition?.enterFlight(step);
      loop.around?.beginMicroStep?.(step === loop.accumulationSteps - 1);
      nextBatch(loop, names, iteration);
      if (step === 0) zeroGradients(loop, iteration);
      forward(loop, names, iteration);
      backward(loop, names, iteration);
    }
    loop.repetition?.complete();
    optimizerStep(loop, iteration);
  }
}

/** The new batch is there before the old one dies. */
function nextBatch({ engine, loadBatch }: TrainingLoop, names: Names, iteration: number): void {
  engine.recorder.phase('input', iteration);
  const batch = loadBatch();
  for (const tensor of names.batch?.values() ?? []) engine.release(tensor);
  names.batch = batch;
}

export function zeroGradients({ engine, cleared }: TrainingLoop, iteration: number): void {
  engine.recorder.phase('zero-grad', iteration);
  for (const parameter of cleared) {
    if (parameter.gradient === null) continue;
    engine.release(parameter.gradient);
    parameter.gradient = null;
  }
}

function forward(loop: TrainingLoop, names: Names, iteration: number): void {
  const { engine, around } = loop;
  engine.recorder.phase('forward', iteration);
  engine.autocast = loop.autocast;
  around?.beforeForward?.();
  engine.hook = loop.savedTensors ?? null;
  const { loss, outputs } = callModel(loop, names);
  engine.hook = null;
  engine.autocast = null;
  engine.clearAutocastCache();
  around?.afterForward?.();
  bindResult(loop, names, { loss, outputs });
  if (loop.accumulationSteps > 1) divideLoss(engine, names);
}

interface Result {
  loss: EngineTensor;
  outputs: readonly EngineTensor[];
}

/** The model's loss and outputs, held. */
function callModel({ engine, architecture, operations, sizes, conventions }: TrainingLoop, names: Names): Result {
  const result = architecture.forward(operations, names.batch as unknown as Batch, sizes);
  const loss = engine.hold(result.loss as EngineTensor);
  const outputs = result.outputs.map((tensor) => engine.hold(tensor as EngineTensor));
  return { loss, outputs: conventions.outputsToFloat32 ? inFloat32(engine, outputs) : outputs };
}

/** `outputs, loss = ...`: the values of the iteration before die now, and the outputs unless the script keeps them. */
function bindResult({ engine, conventions }: TrainingLoop, names: Names, { loss, outputs }: Result): void {
  if (names.loss !== null) engine.release(names.loss);
  names.loss = loss;
  for (const tensor of names.outputs) engine.release(tensor);
  names.outputs = conventions.keepsOutputs ? outputs : [];
  if (!conventions.keepsOutputs) for (const tensor of outputs) engine.release(tensor);
}

function inFloat32(engine: Engine, outputs: readonly EngineTensor[]): EngineTensor[] {
  const cast = outputs.map((tensor) => engine.hold(toType(engine, tensor, float32)));
  for (const tensor of outputs) engine.release(tensor);
  return cast;
}

/** `loss = loss / gradient_accumulation_steps` */
function divideLoss(engine: Engine, names: Names): void {
  const divided = engine.hold(unary(engine, names.loss!, UNARY.divScalar));
  engine.release(names.loss!);
  names.loss = divided;
}

/** The root gradient, and the scaled loss, live until backward returns. */
function backward(loop: TrainingLoop, names: Names, iteration: number): void {
  const { engine, scaler } = loop;
  engine.recorder.phase('backward', iteration);
  const root = scaler === null ? names.loss! : scaler.scale(engine, names.loss!);
  engine.hold(root);
  const gradient = engine.hold(engine.empty([], root.dtype, ONES_LIKE));
  loop.around?.beforeBackward?.();
  runBackward(engine, root, gradient);
  loop.around?.afterBackward?.();
  engine.release(gradient);
  engine.release(root);
}

export function optimizerStep(loop: TrainingLoop, iteration: number): void {
  const { engine, trained, optimizer, clips, scaler, around } = loop;
  engine.recorder.phase('step', iteration);
  around?.beforeStep?.();
  const ready = trained.filter(({ gradient }) => gradient !== null);
  if (clips) clipGradients(engine, ready);
  const step = (): void => optimizer.step(engine, ready);
  if (scaler === null) step();
  else scaler.step(engine, step);
  around?.afterStep?.();
}
