import type { Batch, BatchSizes, InputSpec } from '../definition.js';
import { input } from '../definition.js';
import type { Operations, Tensor } from '../operations.js';
import { UnsupportedModel } from '../unsupported-model.js';
import type { GraphState } from './graph-modules.js';
import { runGraph } from './graph-runner.js';
import type { RecordedGraph } from './recorded-graph.js';
import type { GraphVariables } from './sizes.js';
import { SizeMismatch, Sizes } from './sizes.js';
import { dtypeOf } from './step-operations.js';

/** Sizes of a batch do not matter to the modules of a network. */
export const ANY_SIZE: GraphVariables = { B: 1, H: 1, W: 1, K: 1, G: 1, T: 1, S: 1 };

/** The variables of a network's graph at the sizes of a batch; what is not said is as the network's library has it. */
export function networkVariables(graph: RecordedGraph, sizes: BatchSizes): GraphVariables {
  const [height, width] = sizes.image;
  const variables = {
    ...ANY_SIZE,
    B: sizes.batch,
    H: height,
    W: width,
    T: latentFrames(graph, sizes.frames),
    S: promptTokens(graph, sizes.prompt),
  };
  requireRecorded(graph, variables);
  return variables;
}

/** Where a video is encoded in tiles, the recorded number of them stands for any. */
function latentFrames({ network = {}, fixed }: RecordedGraph, given: number | null): number {
  const { frames = 1, framesEach = 1 } = network;
  if (network.tilesFrames === true) return fixed?.['T'] ?? 1;
  return Math.floor(((given ?? frames) - 1) / framesEach) + 1;
}

const promptTokens = ({ network = {} }: RecordedGraph, given: number | null): number =>
  (given ?? network.prompt ?? 1) + (network.promptBeside ?? 0);

const IN_WORDS: Readonly<Record<string, string>> = { B: 'a batch', T: 'frames of latents', S: 'tokens' };

/** Throws UnsupportedModel for sizes that the graph was not recorded for. */
function requireRecorded({ name, image, fixed = {} }: RecordedGraph, variables: GraphVariables): void {
  const other = Object.entries(fixed).find(([variable, size]) => variables[variable as keyof GraphVariables] !== size);
  if (other !== undefined)
    throw new UnsupportedModel(name, `it is covered for ${IN_WORDS[other[0]] ?? other[0]} of ${other[1]} only`);
  if (image.allowed !== 'any' && variables.H !== variables.W)
    throw new UnsupportedModel(name, `it is covered for square images only, not for ${variables.H} x ${variables.W}`);
}

/** What does not come out whole at this size is not covered at it. */
function atSizes<T>({ name }: RecordedGraph, { H, W }: GraphVariables, run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof SizeMismatch)) throw error;
    throw new UnsupportedModel(name, `it is not covered for images of ${H} x ${W}`);
  }
}

/** The batch that a network is called with, by the names of its arguments. */
export function networkInputs(graph: RecordedGraph, sizes: BatchSizes): InputSpec[] {
  const variables = networkVariables(graph, sizes);
  const read = new Sizes(graph, variables);
  return atSizes(graph, variables, () =>
    graph.inputs!.map(([shape, type], place) => ({
      name: graph.names![place]!,
      shape: read.list(shape, []),
      dtype: dtypeOf(type, sizes.dtype),
      madeBy: 'randn',
    })),
  );
}

/** Shape of what a network returns. */
export function networkResult(graph: RecordedGraph, sizes: BatchSizes): readonly number[] {
  const variables = networkVariables(graph, sizes);
  return atSizes(graph, variables, () => new Sizes(graph, variables).list(graph.resultShapes![0]!, []));
}

/** What a network returns first for a batch of these sizes. */
export function callNetwork(
  ops: Operations,
  batch: Batch,
  { graph, state, sizes }: { graph: RecordedGraph; state: GraphState; sizes: BatchSizes },
): Tensor {
  const variables = networkVariables(graph, sizes);
  const inputs = graph.names!.map((name) => input(batch, name));
  return atSizes(
    graph,
    variables,
    () => runGraph(ops, { graph, state, inputs, sizes: new Sizes(graph, variables), weights: sizes.dtype })[0]!,
  );
}
