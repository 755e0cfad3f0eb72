import type { DType } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Argument, Returned } from '../../model/operations.js';
import type { ConvolutionCall, ConvolutionWorkspace } from '../operations/convolution-workspace.js';
import { CONVOLUTION_WORKSPACE, NO_WORKSPACE } from '../operations/convolution-workspace.js';
import type { Formula, SavingHook, Workspace } from './graph.js';
import { EngineTensor, Node, Storage, withAdded } from './graph.js';
import {
  isFusible,
  isPending,
  materialise,
  pendingStorage,
  readsFused,
  savedForm,
  savedTensor,
  sourcesOf,
} from './fusion.js';
import type { References } from './frames.js';
import { Frames } from './frames.js';
import type { KeptOutputs } from './kept-outputs.js';
import { operation } from './operation-names.js';
import { EventRecorder } from './recorder.js';
import type { Strides } from './strides.js';
import { denseStrides, elementCount } from './strides.js';
import type { TorchHabits } from './torch-habits.js';
import { TODAYS_HABITS } from './torch-habits.js';

/** Gradients that meet: on a device torch adds them in place where it can; while operators are recorded, never. */
export type GradientAddition = 'in-place' | 'out-of-place';

const WORKSPACE_OF_CONVOLUTION = operation(CONVOLUTION_WORKSPACE);
const ACCUMULATE: Formula = { operation: operation('accumulate_grad'), apply: () => [] };

function anyNeedsGradient(inputs: readonly (EngineTensor | null)[]): boolean {
  for (const input of inputs) if (input !== null && input.requiresGrad) return true;
  return false;
}

const FIRST_OUTPUTS: readonly (readonly number[])[] = [[], [0], [0, 0], [0, 0, 0]];

/** Which result of its node each input is; a shared list where all are the first, as almost everywhere. */
function outputNumbersOf(inputs: readonly (EngineTensor | null)[]): readonly number[] {
  const firsts = FIRST_OUTPUTS[inputs.length];
  let areFirst = firsts !== undefined;
  for (const input of inputs) if (input !== null && input.outputIndex !== 0) areFirst = false;
  return areFirst ? firsts! : inputs.map((input) => input?.outputIndex ?? 0);
}

/**
 * The state of one run: who holds which memory, and the graph of what was done. Operations are functions over it.
 * Allocation and the last reference's end are the only sources of events.
 */
export class Engine implements Workspace, References {
  readonly recorder = new EventRecorder();
  stream = 0;
  gradEnabled = true;
  /** Type that autocast lowers to; null: autocast is off. */
  autocast: DType | null = null;
  /** Lowered copies of weights, by the weight's tensor, until autocast is left. */
  autocastCache = new Map<EngineTensor, EngineTensor>();
  /** Where saved tensors go; null: they are kept. */
  hook: SavingHook | null = null;
  /** Recorded operations in order: the reverse is the order of backward. */
  tape: Node[] = [];
  /** While a block is recomputed: everything it made, to be dropped when recomputation stops. */
  arena: { tensors: EngineTensor[]; nodes: Node[] } | null = null;
  /** Called when a leaf has its gradient. */
  gradientHook: ((leaf: EngineTensor) => void) | null = null;
  /** While a selectively checkpointed call runs: results that are kept, or handed out as it runs again. */
  outputs: KeptOutputs | null = null;
  /** What is allocated now lies in the host's memory. */
  onHost = false;
  /** Inside a region that a compiler has fused. */
  fusing = false;
  /** Some value was fused: before that nothing needs to be looked after. */
  hasFused = false;
  /** What the operation reads that is about to allocate its results, inside such a region. */
  read: readonly Storage[] = [];
  /** Results of a compiled region that backward computes again although they are products; null: none. */
  recomputes: ((operationNumber: number) => boolean) | null = null;
  /** What the run's release of torch does as former ones did. */
  habits: TorchHabits = TODAYS_HABITS;
  /** Index of the block that runs forward, or has run last; -1: none. */
  layer = -1;
  /** Called when backward comes to the nodes of another block. */
  enterLayer: ((layer: number) => void) | null = null;
  readonly frames = new Frames(this);

  constructor(
    readonly gradientAddition: GradientAddition,
    private readonly convolutionWorkspace: ConvolutionWorkspace = NO_WORKSPACE,
  ) {}

  get recorded(): boolean {
    return this.gradientAddition === 'out-of-place';
  }

  // ---- memory

  scratch(bytes: number, operationNumber: number): Storage {
    if (this.onHost) return new Storage(bytes, -1);
    return new Storage(bytes, this.recorder.allocate(bytes, operationNumber, this.stream));
  }

  /** A storage without memory as yet; it is filled and emptied by `resize`. */
  emptyStorage(bytes: number): Storage {
    return new Storage(bytes, -1);
  }

  discard(storage: Storage): void {
    this.releaseStorage(storage);
  }

  lendWorkspace(call: ConvolutionCall): void {
    const bytes = this.convolutionWorkspace(call);
    if (bytes <= 0) return;
    const category = this.recorder.bear('workspaces');
    this.discard(this.scratch(bytes, WORKSPACE_OF_CONVOLUTION));
    this.recorder.bear(category);
  }

  empty(shape: Shape, dtype: DType, operationNumber: number, strides: Strides = null): EngineTensor {
    const bytes = elementCount(shape) * dtype.bytes;
    return this.track(new EngineTensor(shape, strides, dtype, this.storageFor(bytes, operationNumber)));
  }

  /** The same by a kernel that no compiler looks into: it has memory at once, in a compiled region, too. */
  emptyUnfused(shape: Shape, dtype: DType, operationNumber: number): EngineTensor {
    const { fusing } = this;
    this.fusing = false;
    const tensor = this.empty(shape, dtype, operationNumber);
    this.fusing = fusing;
    return tensor;
  }

  /** What an operation makes that reads nothing. */
  create(name: string, shape: Shape, dtype: DType): EngineTensor {
    this.read = [];
    return this.empty(shape, dtype, operation(name));
  }

  private storageFor(bytes: number, operationNumber: number): Storage {
    if (this.fusing) return this.fusedStorage(bytes, operationNumber);
    if (this.outputs === null) return this.scratch(bytes, operationNumber);
    return this.outputs.storage(operationNumber, () => this.scratch(bytes, operationNumber));
  }

  private fusedStorage(bytes: number, operationNumber: number): Storage {
    this.hasFused = true;
    if (isFusible(operationNumber)) return pendingStorage(bytes, operationNumber, this.read);
    const storage = this.scratch(bytes, operationNumber);
    if (this.gradEnabled && this.recomputes?.(operationNumber)) {
      const origin = sourcesOf(this.read);
      storage.fused = { operation: operationNumber, origin, sources: [], again: null, whole: true };
    }
    return storage;
  }

  /** Memory for a fused value. */
  allocate(storage: Storage, operationNumber: number): void {
    storage.block = this.recorder.allocate(storage.bytes, operationNumber, this.stream);
  }

  /** Inside a compiled region: what an operation reads, in memory unless it is fused. */
  private readForward(formula: Formula, inputs: readonly (EngineTensor | null)[]): void {
    this.read = inputs.flatMap((input) => (input === null ? [] : [input.storage]));
    if (formula.readsFused ?? readsFused(formula.operation)) return;
    const savable = this.gradEnabled && this.hook === null && this.recomputes !== null;
    for (const storage of this.read) {
      if (savable && isPending(storage)) savedForm(storage);
      materialise(this, storage);
    }
  }

  /** Gives what leaves a compiled region memory of its own. */
  commit(tensor: EngineTensor): void {
    materialise(this, tensor.storage);
    const again = tensor.storage.fused?.again;
    tensor.storage.fused = null;
    if (again) this.releaseStorage(again);
  }

  emptyLike(tensor: EngineTensor, operationNumber: number, dtype: DType = tensor.dtype): EngineTensor {
    return this.empty(tensor.shape, dtype, operationNumber, denseStrides(tensor.shape, tensor.strides));
  }

  viewOf(tensor: EngineTensor, shape: Shape, strides: Strides, dtype: DType = tensor.dtype): EngineTensor {
    tensor.storage.refs++;
    const view = new EngineTensor(shape, strides, dtype, tensor.storage);
    view.isView = true;
    return this.track(view);
  }

  /** Empties or fills a storage that stays in use, as `storage.resize_` does. */
  resize(storage: Storage, filled: boolean, operationNumber: number): void {
    if (filled === storage.block >= 0) return;
    if (filled) storage.block = this.recorder.allocate(storage.bytes, operationNumber, this.stream);
    else {
      this.recorder.free(storage.block);
      storage.block = -1;
    }
  }

  private track(tensor: EngineTensor): EngineTensor {
    this.arena?.tensors.push(tensor);
    return tensor;
  }

  // ---- references

  hold(tensor: EngineTensor): EngineTensor {
    if (tensor.refs < 0) throw new Error('a tensor was used after its end');
    tensor.refs++;
    return tensor;
  }

  release(tensor: EngineTensor): void {
    if (--tensor.refs > 0) return;
    if (tensor.refs < 0) throw new Error('a tensor was released twice');
    this.destroy(tensor);
  }

  /** Ends a floating tensor; one that is held lives on. */
  consume(tensor: EngineTensor): void {
    if (tensor.refs === 0) this.destroy(tensor);
    else if (tensor.refs < 0) throw new Error('a tensor was used after its end');
  }

  /** Gives up a reference without ending the tensor: it floats again. */
  float(tensor: EngineTensor): void {
    tensor.refs--;
  }

  destroy(tensor: EngineTensor): void {
    tensor.refs = -1;
    this.releaseStorage(tensor.storage);
    if (tensor.gradFn !== null) this.releaseNode(tensor.gradFn);
  }

  releaseStorage(storage: Storage): void {
    storage.refs--;
    if (storage.refs === 0) this.endStorage(storage);
    else if (storage.refs < 0) throw new Error('a storage was freed twice');
  }

  private endStorage(storage: Storage): void {
    if (isPending(storage)) for (const source of storage.fused!.sources) this.releaseStorage(source);
    else this.recorder.free(storage.block);
    const again = storage.fused?.again;
    if (again) this.releaseStorage(again);
  }

  releaseNode(first: Node): void {
    if (--first.refs > 0) return;
    const ending = [first];
    for (let node = ending.pop(); node !== undefined; node = ending.pop()) {
      node.refs = -1;
      this.releaseSaved(node);
      for (const storage of node.attached) this.releaseStorage(storage);
      if (node.variable !== null) this.releaseVariable(node);
      for (const next of node.next) if (next !== null && --next.refs === 0) ending.push(next);
    }
  }

  private releaseVariable(node: Node): void {
    const variable = node.variable!;
    node.variable = null;
    variable.accumulator = null;
    const { gradient } = variable;
    this.release(variable);
    if (variable.refs < 0 && gradient !== null) this.release(gradient);
  }

  releaseSaved(node: Node): void {
    if (node.slots !== null) for (const slot of node.slots) node.hook!.forget(slot);
    else for (const tensor of node.saved) this.releaseStorage(tensor.storage);
    node.forgetSaved();
  }

  clearAutocastCache(): void {
    for (const copy of this.autocastCache.values()) this.release(copy);
    this.autocastCache.clear();
  }

  // ---- names, as operations and model code have them

  enter(args: readonly Argument[]): void {
    this.frames.enter(args);
  }

  leave<R extends Returned>(result: R): R {
    return this.frames.leave(result);
  }

  keep(tensor: EngineTensor): EngineTensor {
    return this.frames.keep(tensor);
  }

  rebind(old: EngineTensor, value: EngineTensor): EngineTensor {
    return this.frames.rebind(old, value);
  }

  drop(tensor: EngineTensor): void {
    this.frames.drop(tensor);
  }

  // ---- graph

  /** A node for an operation on these inputs; null where no gradient is needed. */
  record(formula: Formula, inputs: readonly (EngineTensor | null)[]): Node | null {
    if (this.fusing) this.readForward(formula, inputs);
    if (!this.gradEnabled || !anyNeedsGradient(inputs)) return null;
    const next = inputs.map((input) => this.nodeOf(input));
    const node = new Node(formula, next, outputNumbersOf(inputs));
    node.compiled = this.fusing;
    node.layer = this.layer;
    if (this.arena === null) this.tape.push(node);
    else this.arena.nodes.push(node);
    return node;
  }

  /** Where the gradient of an input goes, with a reference to it. */
  private nodeOf(input: EngineTensor | null): Node | null {
    if (input === null || !input.requiresGrad) return null;
    const node = input.gradFn ?? this.accumulatorOf(input);
    node.refs++;
    return node;
  }

  private accumulatorOf(leaf: EngineTensor): Node {
    if (leaf.accumulator !== null) return leaf.accumulator;
    const node = new Node(ACCUMULATE, [], []);
    node.variable = this.hold(leaf);
    node.outputs = [leaf];
    leaf.accumulator = node;
    return node;
  }

  /** Keeps a tensor for backward. */
  save(node: Node | null, tensor: EngineTensor): void {
    if (node === null) return;
    const saved = this.fusing && this.hook === null && !this.keepsWhole(node) ? savedTensor(tensor) : tensor;
    if (this.hook === null) saved.storage.refs++;
    else {
      node.hook = this.hook;
      node.slots = withAdded(node.slots ?? [], this.hook.pack(saved));
    }
    node.saved = withAdded(node.saved, saved);
  }

  /** Keeps a tensor as long as the node lives, past backward and whatever hooks are set (`ctx.name = tensor`). */
  attachTo(node: Node | null, tensor: EngineTensor): void {
    if (node === null) return;
    tensor.storage.refs++;
    node.attached = withAdded(node.attached, tensor.storage);
  }

  /**
   * What a kernel of a library reads in backward must be in memory there, so the compiler never computes it again, unless
   * checkpointing tells it to (`ban_recompute_materialized_backward` in torch/_functorch/partitioners.py).
   */
  private keepsWhole({ formula }: Node): boolean {
    return this.recomputes === null && !(formula.readsFused ?? readsFused(formula.operation));
  }

  /** Makes a tensor the (next) result of a node. */
  attach(tensor: EngineTensor, node: Node | null): EngineTensor {
    if (node === null) return tensor;
    tensor.gradFn = node;
    tensor.outputIndex = node.outputs.length;
    tensor.requiresGrad = true;
    node.outputs = withAdded(node.outputs, tensor);
    node.refs++;
    return tensor;
  }
}
