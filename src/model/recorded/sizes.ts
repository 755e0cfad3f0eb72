import type { Shape } from '../module-tree.js';
import type { Tensor } from '../operations.js';
import type { RecordedGraph, WrittenAttribute, WrittenExpression, WrittenSize } from './recorded-graph.js';

/** What sizes may depend on besides the inputs of a step. */
export interface GraphVariables {
  /** Batch, height and width of the images, number of classes. */
  B: number;
  H: number;
  W: number;
  K: number;
  /** Objects in an image that have a ground truth. */
  G: number;
  /** Frames of latents. */
  T: number;
  /** Tokens of a prompt or a text. */
  S: number;
}

const GLOBALS: ReadonlySet<string> = new Set<keyof GraphVariables>(['B', 'H', 'W', 'K', 'G', 'T', 'S']);

/** Gives a variable its value: a global one, or `i.d`, dimension d of input i. */
type VariableReader = (globals: GraphVariables, inputs: readonly (Tensor | null)[]) => number;
export type Expression = (globals: GraphVariables, inputs: readonly (Tensor | null)[]) => number;

function variable(name: string): VariableReader {
  if (GLOBALS.has(name)) return (globals) => globals[name as keyof GraphVariables];
  const [input, dim] = name.split('.').map(Number) as [number, number];
  return (_, inputs) => inputs[input]!.shape[dim]!;
}

const ROUNDED: Record<WrittenExpression[3], (product: number, parts: readonly [number, number, number]) => number> = {
  exact: (product, [a, c, b]) => (a * product) / c + b,
  floor: (product, [, c, b]) => Math.floor((product + b) / c),
  ceil: (product, [, c]) => Math.ceil(product / c),
  /** What is missing to a multiple of c. */
  pad: (product, [, c]) => (c - (product % c)) % c,
};

function expression([a, c, b, rounding, names]: WrittenExpression): Expression {
  const readers = names.map(variable);
  const round = ROUNDED[rounding];
  const added: VariableReader = typeof b === 'string' ? variable(b) : () => b;
  return (globals, inputs) => {
    let product = 1;
    for (const read of readers) product *= read(globals, inputs);
    return round(product, [a, c, added(globals, inputs)]);
  };
}

/** A graph is held against a size that it was not recorded for. */
export class SizeMismatch extends Error {}

/** Reads sizes of a graph: integers as they are, expressions by their number. */
export class Sizes {
  private readonly expressions: readonly Expression[];

  constructor(
    graph: RecordedGraph,
    readonly globals: GraphVariables,
  ) {
    this.expressions = graph.expressions.map(expression);
  }

  size(written: WrittenAttribute, inputs: readonly (Tensor | null)[]): number {
    if (typeof written === 'number') return written;
    const value = this.expressions[Number(String(written).slice(1))]!(this.globals, inputs);
    if (!Number.isInteger(value)) throw new SizeMismatch('a size does not come out whole');
    return value;
  }

  list(written: WrittenAttribute, inputs: readonly (Tensor | null)[]): Shape {
    return (written as readonly WrittenSize[]).map((one) => (typeof one === 'number' ? one : this.size(one, inputs)));
  }
}
