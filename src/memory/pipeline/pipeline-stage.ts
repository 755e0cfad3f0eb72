import type { Architecture } from '../../model/definition.js';
import type { Operations } from '../../model/operations.js';
import { runBackward } from '../autograd/backward.js';
import type { Engine } from '../autograd/engine.js';
import type { Node } from '../autograd/graph.js';
import { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { TrainingLoop } from '../training-loop.js';
import { ONES_LIKE, optimizerStep, zeroGradients } from '../training-loop.js';
import type { ScheduledPass } from './schedule.js';

const RECEIVE = operation('recv');

/** Parts of the model on this rank, with what runs each. */
export interface StageParts {
  chunks: readonly Architecture[];
  operations: readonly Operations[];
}

/** A micro-batch between its forward and its backward pass. */
interface Flight {
  /** Counted within the iteration. */
  number: number;
  batch: readonly EngineTensor[];
  /** What the stage before sent: its gradient goes back there. */
  received: EngineTensor | null;
  output: EngineTensor;
  tape: Node[];
  /** Whether the output was a loss, or went to the next stage. */
  isLoss: boolean;
}

/**
 * One stage of a pipeline (megatron/core/pipeline_parallel/schedules.py): micro-batches pass forward and backward in the
 * schedule's order. What a stage sends on dies once it is sent (`deallocate_pipeline_outputs`), what it received lives until
 * its gradient has been sent back.
 */
export function runPipelineStage(loop: TrainingLoop, parts: StageParts, schedule: readonly ScheduledPass[]): void {
  for (let iteration = 1; iteration <= loop.iterations; iteration++) {
    zeroGradients(loop, iteration);
    loop.repetition?.beginIteration();
    runSchedule(loop, parts, schedule, iteration);
    loop.repetition?.complete();
    optimizerStep(loop, iteration);
  }
}

function runSchedule(
  loop: TrainingLoop,
  parts: StageParts,
  schedule: readonly ScheduledPass[],
  iteration: number,
): void {
  const flights = parts.chunks.map((): Flight[] => []);
  let forwards = 0;
  for (const { pass, chunk } of schedule) {
    if (pass === 'forward') {
      loop.repetition?.enterFlight(forwards);
      flights[chunk]!.push({ ...forwardPass(loop, parts, chunk, iteration), number: forwards++ });
    } else {
      const flight = flights[chunk]!.shift()!;
      loop.repetition?.enterFlight(flight.number);
      backwardPass(loop, flight, iteration);
    }
  }
}

function forwardPass(loop: TrainingLoop, parts: StageParts, chunk: number, iteration: number): Omit<Flight, 'number'> {
  const { engine } = loop;
  engine.recorder.phase('input', iteration);
  const { batch, received } = inputsOf(loop, parts.chunks[chunk]!);
  engine.recorder.phase('forward', iteration);
  engine.autocast = loop.autocast;
  engine.tape = [];
  loop.around?.beforeForward?.();
  const result = parts.chunks[chunk]!.forward(parts.operations[chunk]!, batch, loop.sizes);
  loop.around?.afterForward?.();
  engine.autocast = null;
  engine.clearAutocastCache();
  const isLoss = result.loss.shape.length === 0;
  const output = engine.hold(result.loss as EngineTensor);
  const sent = isLoss ? output : withoutMemory(engine, output);
  return { batch: [...batch.values()], received, output: sent, tape: engine.tape, isLoss };
}

function inputsOf(
  { engine, sizes }: TrainingLoop,
  architecture: Architecture,
): { batch: Map<string, EngineTensor>; received: EngineTensor | null } {
  const batch = new Map<string, EngineTensor>();
  let received: EngineTensor | null = null;
  for (const { name, shape, dtype, madeBy, received: fromStage } of architecture.inputs(sizes)) {
    const tensor = engine.hold(engine.empty(shape, dtype, operation(madeBy)));
    batch.set(name, tensor);
    if (fromStage !== true) continue;
    tensor.requiresGrad = true;
    engine.recorder.categorise(tensor.storage.block, 'activations');
    received = tensor;
  }
  return { batch, received };
}

/** The tensor's place in the graph without its memory. */
function withoutMemory(engine: Engine, output: EngineTensor): EngineTensor {
  const stub = engine.hold(new EngineTensor(output.shape, output.strides, output.dtype, engine.emptyStorage(0)));
  stub.requiresGrad = true;
  stub.gradFn = output.gradFn;
  stub.outputIndex = output.outputIndex;
  if (stub.gradFn !== null) stub.gradFn.refs++;
  engine.release(output);
  return stub;
}

function backwardPass(loop: TrainingLoop, flight: Flight, iteration: number): void {
  const { engine, around } = loop;
  engine.recorder.phase('backward', iteration);
  const { output, received } = flight;
  const gradient = engine.hold(engine.empty(output.shape, output.dtype, flight.isLoss ? ONES_LIKE : RECEIVE));
  engine.tape = flight.tape;
  around?.beforeBackward?.();
  runBackward(engine, output, gradient);
  around?.afterBackward?.();
  engine.release(gradient);
  engine.release(output);
  if (received?.gradient) {
    engine.release(received.gradient);
    received.gradient = null;
  }
  for (const tensor of flight.batch) engine.release(tensor);
}
