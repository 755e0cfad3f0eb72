import type { DType } from '../dtype.js';
import type { Operations, Tensor } from '../operations.js';
import { UnsupportedModel } from '../unsupported-model.js';
import type { GraphState } from './graph-modules.js';
import { bufferNumber, isParameter, parameterNumber } from './graph-modules.js';
import type { RecordedGraph, WrittenAttribute, WrittenBlock, WrittenStep } from './recorded-graph.js';
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
  execution.all();
  const results = graph.results.map((reference) => execution.valueOf(reference)!);
  ops.leave(results);
  return results;
}

/** Values by their number: those of the graph, or of one call of a repeated layer. */
type Values = (Tensor | null | undefined)[];

class Execution {
  private values: Values;
  /** Those outside of a layer that is being run: steps of the layer may ask for their type. */
  private readonly around: Values;
  private readonly operations: readonly Prepared[];
  private readonly unfollowed: RecordedGraph['unfollowed'];
  /** Number of the first value that each step makes. */
  private readonly firstMade: readonly number[];

  constructor(
    private readonly ops: Operations,
    private readonly run: GraphRun,
  ) {
    this.around = [...run.inputs];
    this.values = this.around;
    this.operations = prepared(run.graph);
    this.unfollowed = run.graph.unfollowed ?? [];
    let made = run.inputs.length;
    this.firstMade = run.graph.steps.map(([, , results]) => (made += results) - results);
  }

  /** The steps between repeated layers, and those as calls. */
  all(): void {
    const { steps, blocks = [] } = this.run.graph;
    let place = 0;
    for (const block of blocks) {
      this.steps(place, block[0]);
      this.call(block);
      place = block[1];
    }
    this.steps(place, steps.length);
  }

  valueOf(reference: number | null): Tensor | null {
    if (reference === null) return null;
    if (reference >= 0) return this.values[reference] ?? this.around[reference] ?? null;
    const { parameters, buffers } = this.run.state;
    if (isParameter(reference)) return this.ops.parameter(parameters[parameterNumber(reference)]!);
    return this.ops.buffer(buffers[bufferNumber(reference)]!);
  }

  /** A repeated layer, which may be run a second time in backward: its values are its own. */
  private call([from, to, path, given, results, , dead]: WrittenBlock): void {
    const { ops, around: outer } = this;
    const block = this.run.state.blocks.get(path)!;
    const returned = ops.block(
      block,
      given.map((number) => outer[number] ?? null),
      (args) => {
        this.values = [];
        given.forEach((number, place) => (this.values[number] = args[place] ?? null));
        try {
          this.steps(from, to);
          const made = results.map((number) => this.values[number] ?? null);
          return made.length === 1 ? made[0]! : made;
        } finally {
          this.values = outer;
        }
      },
    );
    const made = results.length === 1 ? [returned as Tensor] : (returned as readonly (Tensor | null)[]);
    results.forEach((number, place) => {
      const tensor = made[place] ?? null;
      outer[number] = tensor && ops.keep(tensor);
    });
    for (const value of dead) if (value >= this.run.inputs.length && outer[value]) ops.drop(outer[value]);
  }

  private steps(from: number, to: number): void {
    for (let place = from; place < to; place++) {
      const isFollowed = !this.unfollowed!.some(([first, behind]) => place >= first && place < behind);
      if (isFollowed) this.step(place);
      else this.ops.noGrad(() => this.step(place));
    }
  }

  private step(place: number): void {
    const { ops, values } = this;
    const { sizes, weights, state, inputs: batch, graph } = this.run;
    const [number, references, , dead]: WrittenStep = graph.steps[place]!;
    const { run, attributes } = this.operations[number]!;
    const inputs = references.map((reference) => this.valueOf(reference));
    const linear = typeof references[1] === 'number' ? (state.linears.get(references[1]) ?? null) : null;
    const result = run(ops, { inputs, attributes, sizes, weights, linear });
    const made = Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor];
    made.forEach((tensor, i) => (values[this.firstMade[place]! + i] = ops.keep(tensor)));
    for (const value of dead) if (value >= batch.length && values[value]) ops.drop(values[value]);
  }
}
