import type { Task } from '../run/training-run.js';
import type { DType } from './dtype.js';
import type { Buffer, Parameter, Scope, Shape } from './module-tree.js';
import { numberTree } from './module-tree.js';
import type { Operations, Tensor } from './operations.js';

/** Sizes of one micro-batch; lengths in tokens, images in pixels. */
export interface BatchSizes {
  batch: number;
  sequence: number;
  targetSequence: number;
  image: readonly [number, number];
  /** Of a video; null: the model's own. */
  frames: number | null;
  /** Tokens of a prompt that conditions what is made; null: the model's own. */
  prompt: number | null;
  /** Type of floating inputs: that of the weights. */
  dtype: DType;
}

export interface InputSpec {
  readonly name: string;
  readonly shape: Shape;
  readonly dtype: DType;
  /** Comes from the pipeline stage before this one, which wants its gradient. */
  readonly received?: boolean;
  /** The operation that made it, as shown in the timeline. */
  readonly madeBy: string;
}

/** What a forward pass with labels returns: the loss, and what the output object holds besides. */
export interface ModelOutput {
  loss: Tensor;
  outputs: readonly Tensor[];
}

/** Tensors of the batch by name. */
export type Batch = ReadonlyMap<string, Tensor>;

/** A model as modules and a forward function over shape-only tensors. Holds no state; may serve many runs at once. */
export interface Architecture {
  readonly name: string;
  readonly task: Task;
  readonly root: Scope;
  /** In `model.parameters()` order, tied weights once. */
  readonly parameters: readonly Parameter[];
  readonly buffers: readonly Buffer[];
  readonly parameterCount: number;
  /** Table of the input embeddings, where the model has one. */
  readonly inputTable?: Parameter;
  /** Ends of the names of the layers that scripts adapt where they are told none; peft's own where left out. */
  readonly adapterTargets?: readonly string[];
  /** The batch that a data loader puts on the device. */
  inputs(sizes: BatchSizes): InputSpec[];
  /** `sizes`: those that the batch was made with. */
  forward(operations: Operations, batch: Batch, sizes: BatchSizes): ModelOutput;
}

/** The parts that a family writes. */
export type ArchitectureParts = Pick<
  Architecture,
  'name' | 'task' | 'root' | 'inputTable' | 'adapterTargets' | 'inputs' | 'forward'
>;

const elements = (shape: Shape): number => shape.reduce((product, size) => product * size, 1);

/** Completes a family's parts: numbers and counts the parameters. */
export function completeArchitecture(parts: ArchitectureParts): Architecture {
  const { parameters, buffers } = numberTree(parts.root);
  const parameterCount = parameters.reduce((sum, { shape }) => sum + elements(shape), 0);
  return { ...parts, parameters, buffers, parameterCount };
}

/** The tensor of the batch named so; throws where the family did not declare it. */
export function input(batch: Batch, name: string): Tensor {
  const tensor = batch.get(name);
  if (tensor === undefined) throw new Error(`the batch has no ${name}`);
  return tensor;
}
