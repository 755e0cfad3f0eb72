import type { DType } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';
import { UnsupportedModel } from '../unsupported-model.js';
import type { GraphState } from './graph-modules.js';
import { bufferNumber, isParameter, parameterNumber } from './graph-modules.js';
import type { RecordedGraph, WrittenAttribute, WrittenStep } from './recorded-graph.js';
import type { Sizes } from './sizes.js';
import type { StepOperation } from './step-operations.js';
import { STEP_OPERATIONS } from './step-operations.js';

/** A graph over the tensors of one batch. */
export interface GraphRun {
  graph: RecordedGraph;
  state: GraphState;
  inputs: readonly Tensor[];
  sizes: Sizes;
  /** Type of the weights. */
  weights: DType;
}

interface Prepared {
  run: StepOperation;
  attributes: readonly WrittenAttribute[];
}

function prepared({ name, operations }: RecordedGraph): Prepared[] {
  return operations.map(([operation, ...attributes]) => {
    if (Object.hasOwn(STEP_OPERATIONS, operation)) return { run: STEP_OPERATIONS[operation]!, attributes };
    throw new UnsupportedModel(name, `its operation "${operation}" is not covered`);
  });
}

/** Runs the steps of a graph over the vocabulary; each value is kept until the step after which Python let go of it. */
export function runGraph(ops: Operations, run: GraphRun): Tensor[] {
  const { graph, inputs } = run;
  const execution = new Execution(ops, run);
  ops.enter(inputs);
  const unfollowed = [...(graph.unfollowed ?? [])];
  for (let place = 0; place < graph.steps.length; place++) {
    const [from, to] = unfollowed[0] ?? [Infinity, Infinity];
    if (place >= to) unfollowed.shift();
    const step = graph.steps[place]!;
    if (place >= from && place < to) ops.noGrad(() => execution.step(step));
    else execution.step(step);
  }
  const results = graph.results.map((reference) => execution.valueOf(reference)!);
  ops.leave(results);
  return results;
}

class Execution {
  private readonly values: (Tensor | null)[];
  private readonly operations: readonly Prepared[];

  constructor(
    private readonly ops: Operations,
    private readonly run: GraphRun,
  ) {
    this.values = [...run.inputs];
    this.operations = prepared(run.graph);
  }

  valueOf(reference: number | null): Tensor | null {
    if (reference === null) return null;
    if (reference >= 0) return this.values[reference] ?? null;
    const { parameters, buffers } = this.run.state;
    if (isParameter(reference)) return this.ops.parameter(parameters[parameterNumber(reference)]!);
    return this.ops.buffer(buffers[bufferNumber(reference)]!);
  }

  step([number, references, , dead]: WrittenStep): void {
    const { ops, values } = this;
    const { sizes, weights, state, inputs: batch } = this.run;
    const { run, attributes } = this.operations[number]!;
    const inputs = references.map((reference) => this.valueOf(reference));
    const linear = typeof references[1] === 'number' ? (state.linears.get(references[1]) ?? null) : null;
    const result = run(ops, { inputs, attributes, sizes, weights, linear });
    if (Array.isArray(result)) for (const tensor of result as readonly Tensor[]) values.push(ops.keep(tensor));
    else values.push(ops.keep(result as Tensor));
    for (const value of dead) if (value >= batch.length && values[value]) ops.drop(values[value]);
  }
}
