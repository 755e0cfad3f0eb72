/** Sizes of what a network is given beside its images. */
export interface NetworkSizes {
  /** Tokens of a prompt where nothing else is said, and those of a second encoder, which are put behind. */
  prompt?: number;
  promptBeside?: number;
  /** Frames of a video where nothing else is said, and how many stand behind one frame of latents. */
  frames?: number;
  framesEach?: number;
  /** A video is encoded in tiles of so many frames one after the other: what is recorded stands for any length. */
  tilesFrames?: boolean;
  /** The second half of what is predicted is a variance, which the loss leaves out. */
  predictsVariance?: boolean;
}

/** An integer, the number of an expression (`#3`), or -1: a size that is worked out from the others. */
export type WrittenSize = number | string;
export type WrittenAttribute = WrittenSize | boolean | null | readonly WrittenAttribute[];

/** `[a, c, b, rounding, variables]`: a * product(variables) / c + b, where b may be a variable too. */
export type WrittenExpression = readonly [
  a: number,
  c: number,
  b: number | string,
  rounding: 'exact' | 'floor' | 'ceil' | 'pad',
  variables: readonly string[],
];

/** Shape of an own parameter, or the number of an earlier parameter that it is tied to. */
export type WrittenParameter = readonly [name: string, shapeOrNumber: readonly WrittenSize[] | number];
export type WrittenBuffer = readonly [name: string, shape: readonly WrittenSize[], dtype: string];
export type WrittenModule = readonly [
  path: string,
  parameters: readonly WrittenParameter[],
  buffers: readonly WrittenBuffer[],
];

/** Number of the operation, references of its inputs, how many results it has, and the values that die after it. */
export type WrittenStep = readonly [
  operation: number,
  inputs: readonly (number | null)[],
  results: number,
  dead: readonly number[],
];

/**
 * A call of a repeated layer: its first step and the one behind its last, the layer's path, the values that it is given and
 * returns, a number that calls of layers share which do the same, and the values that die once it has returned.
 */
export type WrittenBlock = readonly [
  from: number,
  to: number,
  path: string,
  given: readonly number[],
  results: readonly number[],
  kind: number,
  dead: readonly number[],
];

/**
 * The forward pass of a model as catalog/tools/recorder writes it (catalog/graphs). Values are numbered as they come
 * about, the images first; below zero stand parameters (-1 - 2i) and buffers (-2 - 2i).
 */
export interface RecordedGraph {
  format: 1;
  library: string;
  name: string;
  /** Images that it was recorded for: of any size, of any square size, or of this one only. */
  image: {
    size: number;
    width?: number;
    allowed: 'any' | 'square' | 'fixed';
    /** Height and width are padded to multiples of this. */
    multiple?: number;
  };
  /** Shape and type of each tensor of the batch, where the graph is of a whole training step: its result is the loss. */
  inputs?: readonly (readonly [shape: readonly WrittenSize[], dtype: string])[];
  /** Names of the tensors of the batch, of a network that is called by its arguments. */
  names?: readonly string[];
  /** Shape of each result. */
  resultShapes?: readonly (readonly WrittenSize[])[];
  /** What a network that makes images or videos is given: see catalog/tools/recorder/networks.py. */
  network?: NetworkSizes;
  /** Sizes, by their variable, that it was recorded for alone. */
  fixed?: Readonly<Record<string, number>>;
  /** Layers that are checkpointed and sharded as a unit, in the order of their calls. */
  blocks?: readonly WrittenBlock[];
  /** Parameters, by their number, that the model does not train. */
  frozen?: readonly number[];
  /** Steps under the model's own `torch.no_grad()`: the first, and the one behind the last. */
  unfollowed?: readonly (readonly [number, number])[];
  modules: readonly WrittenModule[];
  expressions: readonly WrittenExpression[];
  operations: readonly (readonly [name: string, ...attributes: WrittenAttribute[]])[];
  steps: readonly WrittenStep[];
  firstDead: readonly number[];
  results: readonly number[];
}
