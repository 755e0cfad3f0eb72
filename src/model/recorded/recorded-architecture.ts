import type { Task } from '../../run/training-run.js';
import type { Architecture, Batch, BatchSizes, InputSpec } from '../definition.js';
import { completeArchitecture, input } from '../definition.js';
import type { DType } from '../dtype.js';
import { auxiliaryImageClassifier, imageClassifier } from '../modules/image-classification.js';
import { Scope } from '../module-tree.js';
import type { Operations, Tensor } from '../operations.js';
import { UnsupportedModel } from '../unsupported-model.js';
import { declareModules } from './graph-modules.js';
import { runGraph } from './graph-runner.js';
import type { RecordedGraph } from './recorded-graph.js';
import type { GraphVariables } from './sizes.js';
import { SizeMismatch, Sizes } from './sizes.js';
import { dtypeOf } from './step-operations.js';

export interface GraphChoice {
  classes: number;
  /** Height and width that the model is built for. */
  image: readonly [number, number];
  /** Objects with a ground truth in the fullest image. */
  objects?: number;
}

const BATCH_UNKNOWN = 0;
/** Most objects in one image of COCO's training set: image 157105 of train2017 (github.com/fchollet/deep-learning-with-python-notebooks, issue 299). */
const MOST_OBJECTS = 93;

const variablesOf = ({ classes, image, objects }: GraphChoice, batch = BATCH_UNKNOWN): GraphVariables => ({
  B: batch,
  H: image[0],
  W: image[1],
  K: classes,
  G: objects ?? MOST_OBJECTS,
  T: 1,
  S: 1,
});

/** Throws UnsupportedModel for images of a size that the graph was not recorded for. */
function checkImage({ name, image }: RecordedGraph, [height, width]: readonly [number, number]): void {
  const isNative = height === image.size && width === (image.width ?? image.size);
  const fits = image.allowed === 'any' || isNative || (image.allowed === 'square' && height === width);
  if (fits) return;
  const native = image.width === undefined ? `${image.size} pixels a side` : `${image.size} x ${image.width} pixels`;
  const wanted = image.allowed === 'square' ? 'square images' : `images of ${native}`;
  throw new UnsupportedModel(name, `it is covered for ${wanted} only, not for ${height} x ${width}`);
}

/** What does not come out at this size is not covered at it. */
function atSize<T>({ name }: RecordedGraph, [height, width]: readonly [number, number], run: () => T): T {
  try {
    return run();
  } catch (error) {
    if (!(error instanceof SizeMismatch)) throw error;
    throw new UnsupportedModel(name, `it is not covered for images of ${height} x ${width}`);
  }
}

/**
 * An image classifier from its recorded graph. Throws UnsupportedModel where the images are of a size that it was not
 * recorded for, here or, where the model's parameters do not depend on it, when it is run.
 */
export function recordedClassifier(graph: RecordedGraph, choice: GraphChoice): Architecture {
  checkImage(graph, choice.image);
  const build = (root: Scope): ((ops: Operations, images: Tensor) => Tensor[]) => {
    const state = declareModules(root, graph, variablesOf(choice));
    return (ops, images) => {
      const [batch, , height, width] = images.shape as readonly [number, number, number, number];
      checkImage(graph, [height, width]);
      const sizes = new Sizes(graph, variablesOf({ ...choice, image: [height, width] }, batch));
      const run = { graph, state, inputs: [images], sizes, weights: images.dtype };
      return atSize(graph, [height, width], () => runGraph(ops, run));
    };
  };
  if (graph.results.length > 1) return auxiliaryImageClassifier(graph.name, build);
  return imageClassifier(graph.name, (root) => {
    const run = build(root);
    return (ops, images) => run(ops, images)[0]!;
  });
}

const inputName = (place: number): string => (place === 0 ? 'images' : `targets ${place}`);

function batchOf(graph: RecordedGraph, choice: GraphChoice, { batch, dtype }: BatchSizes): InputSpec[] {
  const sizes = new Sizes(graph, variablesOf(choice, batch));
  return graph.inputs!.map(([shape, type], place) => ({
    name: inputName(place),
    shape: sizes.list(shape, []),
    dtype: dtypeOf(type, dtype),
    madeBy: place === 0 ? 'randn' : 'zeros',
  }));
}

/** Everything from the batch to the loss, as the model's own code computes it. */
function trainingStep(ops: Operations, batch: Batch, step: RecordedStep): Tensor {
  const { graph, choice, state } = step;
  const inputs = graph.inputs!.map((_, place) => input(batch, inputName(place)));
  const sizes = new Sizes(graph, variablesOf(choice, inputs[0]!.shape[0]));
  const weights: DType = inputs[0]!.dtype;
  return atSize(graph, choice.image, () => runGraph(ops, { graph, state, inputs, sizes, weights })[0]!);
}

/** Image sizes as the data pipeline pads them. */
function padded({ image }: RecordedGraph, [height, width]: readonly [number, number]): [number, number] {
  const { multiple = 1 } = image;
  return [Math.ceil(height / multiple) * multiple, Math.ceil(width / multiple) * multiple];
}

interface RecordedStep {
  graph: RecordedGraph;
  choice: GraphChoice;
  state: ReturnType<typeof declareModules>;
}

/**
 * A model from the recorded graph of its training step, loss included. Throws UnsupportedModel where the images are of a
 * size that it was not recorded for.
 */
export function recordedTraining(graph: RecordedGraph, task: Task, given: GraphChoice): Architecture {
  const choice = { ...given, image: padded(graph, given.image) };
  checkImage(graph, choice.image);
  const root = Scope.root();
  const state = declareModules(root, graph, variablesOf(choice));
  return completeArchitecture({
    name: graph.name,
    task,
    root,
    inputs: (sizes) => batchOf(graph, choice, sizes),
    forward: (ops, batch) => ({ loss: trainingStep(ops, batch, { graph, choice, state }), outputs: [] }),
  });
}
