import type { Architecture } from '../definition.js';
import type { DType } from '../dtype.js';
import { float32 } from '../dtype.js';
import { auxiliaryImageClassifier, imageClassifier } from '../modules/image-classification.js';
import type { Buffer, Linear, Parameter, Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { UnsupportedModel } from '../unsupported-model.js';
import type { RecordedGraph, WrittenModule } from './recorded-graph.js';
import type { GraphVariables } from './sizes.js';
import { SizeMismatch, Sizes } from './sizes.js';
import type { StepOperation } from './step-operations.js';
import { dtypeOf, STEP_OPERATIONS } from './step-operations.js';

/** Parameters and buffers of a graph by their number, and its linear layers by the number of their weight. */
interface GraphState {
  parameters: Parameter[];
  buffers: Buffer[];
  linears: Map<number, Linear>;
}

export interface GraphChoice {
  classes: number;
  /** Height and width that the model is built for. */
  image: readonly [number, number];
}

const BATCH_UNKNOWN = 0;

const variablesOf = ({ classes, image }: GraphChoice, batch = BATCH_UNKNOWN): GraphVariables => ({
  B: batch,
  H: image[0],
  W: image[1],
  K: classes,
});

/** Declares the modules of a graph under a root, in the order of their constructors. */
function declareModules(root: Scope, graph: RecordedGraph, choice: GraphChoice): GraphState {
  const sizes = new Sizes(graph, variablesOf(choice));
  const state: GraphState = { parameters: [], buffers: [], linears: new Map() };
  const scopes = new Map<string, Scope>([['', root]]);
  for (const written of graph.modules) declareModule(scopes, written, { sizes, state });
  return state;
}

function declareModule(
  scopes: Map<string, Scope>,
  [path, parameters, buffers]: WrittenModule,
  { sizes, state }: { sizes: Sizes; state: GraphState },
): void {
  const cut = path.lastIndexOf('.');
  const parent = scopes.get(cut < 0 ? '' : path.slice(0, cut))!;
  const scope = path === '' ? parent : parent.child(path.slice(cut + 1));
  scopes.set(path, scope);
  for (const [name, shape] of parameters) {
    if (typeof shape === 'number') scope.tie(state.parameters[shape]!);
    else state.parameters.push(scope.parameter(name, sizes.list(shape, [])));
  }
  for (const [name, shape, dtype] of buffers) {
    const type = dtype === 'weights' ? null : dtypeOf(dtype, float32);
    state.buffers.push(scope.buffer(name, sizes.list(shape, []), type));
  }
}

/** Linear layers are those steps whose weight and bias are parameters; adapters find them by their path. */
function declareLinears(root: Scope, graph: RecordedGraph, state: GraphState): void {
  for (const [number, [, weight, bias]] of graph.steps) {
    if (graph.operations[number]![0] !== 'linear' || typeof weight !== 'number') continue;
    if (!isParameter(weight) || state.linears.has(weight) || (typeof bias === 'number' && !isParameter(bias))) continue;
    const parameter = state.parameters[parameterNumber(weight)]!;
    const own = typeof bias === 'number' ? state.parameters[parameterNumber(bias)]! : null;
    state.linears.set(weight, root.declareLinear(parameter, own));
  }
}

const isParameter = (reference: number): boolean => reference < 0 && reference % 2 !== 0;
const parameterNumber = (reference: number): number => (-1 - reference) / 2;
const bufferNumber = (reference: number): number => (-2 - reference) / 2;

/** Runs the steps of a graph over the vocabulary; each value is kept until the step after which Python let go of it. */
function runGraph(ops: Operations, graph: RecordedGraph, state: GraphState, run: GraphRun): Tensor[] {
  const { images, sizes } = run;
  const values: (Tensor | null)[] = [images];
  const operations = graph.operations.map(([name]) => stepOperation(graph, name));
  const valueOf = (reference: number | null): Tensor | null => {
    if (reference === null) return null;
    if (reference >= 0) return values[reference] ?? null;
    if (isParameter(reference)) return ops.parameter(state.parameters[parameterNumber(reference)]!);
    return ops.buffer(state.buffers[bufferNumber(reference)]!);
  };
  const weights: DType = images.dtype;
  ops.enter([images]);
  for (const [number, references, , dead] of graph.steps) {
    const [, ...attributes] = graph.operations[number]!;
    const inputs = references.map(valueOf);
    const linear = typeof references[1] === 'number' ? (state.linears.get(references[1]) ?? null) : null;
    const result = operations[number]!(ops, { inputs, attributes, sizes, weights, linear });
    for (const tensor of Array.isArray(result) ? (result as readonly Tensor[]) : [result as Tensor]) {
      values.push(ops.keep(tensor));
    }
    for (const value of dead) if (value > 0 && values[value]) ops.drop(values[value]);
  }
  const results = graph.results.map((reference) => valueOf(reference)!);
  ops.leave(results);
  return results;
}

interface GraphRun {
  images: Tensor;
  sizes: Sizes;
}

function stepOperation(graph: RecordedGraph, name: string): StepOperation {
  if (Object.hasOwn(STEP_OPERATIONS, name)) return STEP_OPERATIONS[name]!;
  throw new UnsupportedModel(graph.name, `its operation "${name}" is not covered`);
}

/** Throws UnsupportedModel for images of a size that the graph was not recorded for. */
function checkImage({ name, image }: RecordedGraph, [height, width]: readonly [number, number]): void {
  const fits = image.allowed === 'any' || (height === width && (image.allowed === 'square' || height === image.size));
  if (fits) return;
  const wanted = image.allowed === 'square' ? 'square images' : `images of ${image.size} pixels a side`;
  throw new UnsupportedModel(name, `it is covered for ${wanted} only, not for ${height} x ${width}`);
}

/**
 * An image classifier from its recorded graph. Throws UnsupportedModel where the images are of a size that it was not
 * recorded for, here or, where the model's parameters do not depend on it, when it is run.
 */
export function recordedClassifier(graph: RecordedGraph, choice: GraphChoice): Architecture {
  checkImage(graph, choice.image);
  const build = (root: Scope): ((ops: Operations, images: Tensor) => Tensor[]) => {
    const state = declareModules(root, graph, choice);
    declareLinears(root, graph, state);
    return (ops, images) => {
      const [batch, , height, width] = images.shape as readonly [number, number, number, number];
      checkImage(graph, [height, width]);
      const sizes = new Sizes(graph, variablesOf({ ...choice, image: [height, width] }, batch));
      try {
        return runGraph(ops, graph, state, { images, sizes });
      } catch (error) {
        if (!(error instanceof SizeMismatch)) throw error;
        throw new UnsupportedModel(graph.name, `it is not covered for images of ${height} x ${width}`);
      }
    };
  };
  if (graph.results.length > 1) return auxiliaryImageClassifier(graph.name, build);
  return imageClassifier(graph.name, (root) => {
    const run = build(root);
    return (ops, images) => run(ops, images)[0]!;
  });
}
