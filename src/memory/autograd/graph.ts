import type { DType } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Tensor } from '../../model/operations.js';
import type { ConvolutionCall } from '../operations/convolution-workspace.js';
import type { Strides } from './strides.js';

/** Memory that tensors share. `refs` counts the tensors on it and the places where autograd saved it. */
export class Storage {
  refs = 1;
  /** Of a value that a compiled region computes where it is read; null: of any other. */
  fused: FusedValue | null = null;

  constructor(
    readonly bytes: number,
    /** The allocator's block, or -1 while the storage is empty. */
    public block: number,
  ) {}
}

/** How a compiled region makes a value that it does not keep in memory. */
export interface FusedValue {
  readonly operation: number;
  /** What it is computed from. */
  readonly origin: readonly Storage[];
  /** The origin, held as long as the value has no memory of its own. */
  sources: readonly Storage[];
  /** The value once more, as backward computes it. */
  again: Storage | null;
  /** A product or the like: it has memory whenever it is computed. */
  readonly whole: boolean;
}

/** A list with one more entry and no room to spare. Most are of one or two, which literals make fastest. */
export function withAdded<T>(list: readonly T[], entry: T): readonly T[] {
  if (list.length === 0) return [entry];
  return list.length === 1 ? [list[0]!, entry] : [...list, entry];
}

/** A tensor without data: a shape over a storage. A view is another tensor over the same storage. */
export class EngineTensor implements Tensor {
  /** Names and gradient buffers that hold it; 0: floating, about to be taken by an operation; -1: dead. */
  refs = 0;
  gradFn: Node | null = null;
  outputIndex = 0;
  requiresGrad = false;
  /** A view keeps its base alive, so that a gradient in it is never added to in place. */
  isView = false;
  /** Of a leaf that needs a gradient. */
  accumulator: Node | null = null;
  /** Of a leaf, once backward has run. */
  gradient: EngineTensor | null = null;

  constructor(
    readonly shape: Shape,
    readonly strides: Strides,
    readonly dtype: DType,
    public storage: Storage,
  ) {}
}

/** Gradients for a node's inputs in their order; null where none is needed. */
export type Gradients = readonly (EngineTensor | null)[];

/** What a backward formula may do: allocate and let go. */
export interface Workspace {
  /** Operators are being recorded: what torch would write in place is then made anew. */
  readonly recorded: boolean;
  /** A new tensor, floating. */
  empty(shape: Shape, dtype: DType, operation: number, strides?: Strides): EngineTensor;
  emptyLike(tensor: EngineTensor, operation: number): EngineTensor;
  /** A view on the tensor's storage, floating. */
  viewOf(tensor: EngineTensor, shape: Shape, strides: Strides, dtype?: DType): EngineTensor;
  /** Memory that only lives inside a kernel or an expression. */
  scratch(bytes: number, operation: number): Storage;
  discard(storage: Storage): void;
  /** Scratch memory of a convolution library, taken and given back at once. */
  lendWorkspace(call: ConvolutionCall): void;
  release(tensor: EngineTensor): void;
  consume(tensor: EngineTensor): void;
}

/** How an operation turns the gradient of its outputs into gradients of its inputs. */
export interface Formula {
  /** Number of the operation's name. */
  readonly operation: number;
  /** Reads what it needs in the kernel that makes it, so that fused values stay so. */
  readonly readsFused?: boolean;
  /** In which order gradients reach the inputs' nodes; as they come where left out. */
  readonly delivery?: readonly number[];
  /** What nodes of views behind the operation make of its gradient, before anything saved is unpacked. */
  prepare?(workspace: Workspace, node: Node): void;
  apply(workspace: Workspace, node: Node): Gradients;
}

/** Where saved tensors go instead of being kept: checkpointing. */
export interface SavingHook {
  /** Takes note of a saved tensor; returns its slot. */
  pack(tensor: EngineTensor): number;
  /** Gives the tensor of a slot, recomputing if need be. */
  unpack(slot: number): EngineTensor;
  /** The formula that unpacked the slot is done with it. */
  release(slot: number): void;
  /** The slot's owner needs it no longer. */
  forget(slot: number): void;
}

const NOTHING: readonly never[] = [];

/**
 * One recorded operation of the forward pass. Its lists are replaced, never grown: a list that grows keeps room for
 * sixteen more, which by tens of thousands of nodes is most of the memory that a simulation uses up.
 */
export class Node {
  refs = 0;
  /** Consumers in the running backward pass whose gradients are still to come; only kept for leaves. */
  dependencies = 0;
  reached = false;
  saved: readonly EngineTensor[] = NOTHING;
  /** Shapes and types of the results, which their gradients must have. */
  outputs: readonly EngineTensor[] = NOTHING;
  /** Gradients of the results, as far as they have come. */
  buffer: readonly (EngineTensor | null)[] = NOTHING;
  hook: SavingHook | null = null;
  slots: readonly number[] | null = null;
  /** Formulas' own numbers, such as a dimension or an exponent. */
  attribute = 0;
  /** Shapes of inputs that a formula needs and that nobody saved. */
  shapes: Shape[] | null = null;
  /** Index of the block that was running; -1: none. */
  layer = -1;
  /** Recorded in a compiled region: what it makes is fused into whoever reads it. */
  compiled = false;
  /** What a Python function holds by a name of its context: unlike saved tensors, until the node itself is gone. */
  attached: readonly Storage[] = NOTHING;
  /** The leaf whose gradient is accumulated here. */
  variable: EngineTensor | null = null;

  /** `next`: the nodes that the gradients of the inputs go to; `outputNumbers`: which of their results each input is. */
  constructor(
    readonly formula: Formula,
    readonly next: readonly (Node | null)[],
    readonly outputNumbers: readonly number[],
  ) {}

  needs(input: number): boolean {
    return this.next[input] !== null;
  }

  /** Lets go of the incoming gradients. */
  emptyBuffer(): void {
    this.buffer = NOTHING;
  }

  /** Lets go of what was saved. */
  forgetSaved(): void {
    this.saved = NOTHING;
    this.slots = null;
  }

  /** The gradient of the first output. */
  get gradient(): EngineTensor {
    return this.buffer[0]!;
  }
}
