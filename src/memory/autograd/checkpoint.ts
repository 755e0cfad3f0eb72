import type { DType } from '../../model/dtype.js';
import type { Returned } from '../../model/operations.js';
import type { Engine } from './engine.js';
import type { SavingHook } from './graph.js';
import type { KeptOutputs } from './kept-outputs.js';
import { beginRecomputation, endRecomputation } from './recomputation.js';
import { EngineTensor } from './graph.js';

/** Thrown by `pack` when all that backward needs has been recomputed (torch.utils.checkpoint's early stop). */
const ENOUGH = new Error('recomputation has all it needs');

type Argument = EngineTensor | null;
export type BlockCall = (args: readonly Argument[]) => Returned;

/**
 * A checkpointed call (torch.utils.checkpoint, non-reentrant): forward saves nothing but the call's arguments; the first
 * tensor that backward unpacks runs the call again, up to the last saved one.
 */
export class CheckpointedCall implements SavingHook {
  private slots = 0;
  private outstanding = 0;
  private recomputed: (EngineTensor | null)[] | null = null;
  /** Slots whose nodes ended before backward, as those of results that nobody used. */
  private readonly forgotten = new Set<number>();
  private readonly autocast: DType | null;
  /** What is around the call: its hook gets the call's positional argument, as `_NoopSaveInputs` saves it. */
  private readonly outer: SavingHook | null;
  private readonly parked: number | null;

  constructor(
    private readonly engine: Engine,
    private readonly args: readonly Argument[],
    private readonly call: BlockCall,
    private readonly kept: KeptOutputs | null = null,
  ) {
    this.autocast = engine.autocast;
    this.outer = engine.hook;
    const [first] = args;
    this.parked = this.outer !== null && first ? this.outer.pack(first) : null;
    for (const argument of this.keptHere()) argument.storage.refs++;
  }

  /** Arguments that stay on the device: all, or only those passed by keyword where the first is with the outer hook. */
  private keptHere(): EngineTensor[] {
    const kept = this.parked === null ? this.args : this.args.slice(1);
    return kept.filter((argument) => argument !== null);
  }

  pack(): number {
    this.outstanding++;
    return this.slots++;
  }

  /** Ends the forward call: one that saved nothing keeps nothing. */
  close(): void {
    if (this.slots === 0) this.releaseArguments();
  }

  unpack(slot: number): EngineTensor {
    this.recomputed ??= this.run();
    const tensor = this.recomputed[slot];
    if (!tensor) throw new Error('a saved tensor was not recomputed');
    return tensor;
  }

  /** Recomputes in the autocast state of the forward pass. */
  private run(): (EngineTensor | null)[] {
    const { autocast, outputs, fusing } = this.engine;
    this.engine.autocast = this.autocast;
    this.engine.outputs = this.kept;
    this.engine.fusing = false;
    this.kept?.replay();
    const hook = new RecomputationHook(this.engine, this.slots, this.forgotten);
    recompute(this.engine, this.inputs(), this.call, hook);
    if (this.parked !== null) this.outer!.release(this.parked);
    this.engine.autocast = autocast;
    this.engine.outputs = outputs;
    this.engine.fusing = fusing;
    return hook.caught;
  }

  private inputs(): Argument[] {
    const inputs = this.args.map((argument) => (argument === null ? null : aliasOf(argument, argument)));
    if (this.parked !== null) inputs[0] = aliasOf(this.args[0]!, this.outer!.unpack(this.parked));
    return inputs;
  }

  release(slot: number): void {
    const tensor = this.recomputed?.[slot];
    if (!tensor) return;
    this.recomputed![slot] = null;
    this.engine.releaseStorage(tensor.storage);
  }

  forget(slot: number): void {
    if (this.recomputed === null) this.forgotten.add(slot);
    this.release(slot);
    if (--this.outstanding === 0) this.releaseArguments();
  }

  private releaseArguments(): void {
    if (this.parked !== null) this.outer!.forget(this.parked);
    for (const argument of this.keptHere()) this.engine.releaseStorage(argument.storage);
    for (const storage of this.kept?.left() ?? []) this.engine.releaseStorage(storage);
  }
}

/**
 * Catches what the recomputed operations save, until there are as many as forward saved. What backward no longer wants
 * stays with the recomputed node, which saves it like any other (`pack_hook` of torch.utils.checkpoint returns it).
 */
class RecomputationHook implements SavingHook {
  readonly caught: (EngineTensor | null)[] = [];

  private readonly withNodes = new Map<number, EngineTensor>();

  constructor(
    private readonly engine: Engine,
    private readonly wanted: number,
    private readonly forgotten: ReadonlySet<number>,
  ) {}

  pack(tensor: EngineTensor): number {
    const slot = this.caught.length;
    const isForgotten = this.forgotten.has(slot);
    this.caught.push(isForgotten ? null : tensor);
    if (!isForgotten) tensor.storage.refs++;
    if (this.caught.length === this.wanted) throw ENOUGH;
    if (isForgotten) this.keepWithNode(slot, tensor);
    return slot;
  }

  private keepWithNode(slot: number, tensor: EngineTensor): void {
    tensor.storage.refs++;
    this.withNodes.set(slot, tensor);
  }

  unpack(slot: number): EngineTensor {
    return this.caught[slot]!;
  }

  release(): void {
    // What was caught belongs to the checkpointed call.
  }

  /** The node ends, unrun: what was caught belongs to the checkpointed call. */
  forget(slot: number): void {
    const tensor = this.withNodes.get(slot);
    if (tensor === undefined) return;
    this.withNodes.delete(slot);
    this.engine.releaseStorage(tensor.storage);
  }
}

/** Runs a call again while the hook catches what it saves; everything else that it makes is dropped. */
function recompute(engine: Engine, inputs: readonly Argument[], call: BlockCall, hook: RecomputationHook): void {
  const outer = beginRecomputation(engine, hook);
  for (const input of inputs) if (input !== null) engine.hold(input);
  try {
    engine.frames.dismiss(call(inputs));
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  endRecomputation(engine, outer);
  for (const input of inputs) if (input !== null) engine.release(input);
}

/** The saved argument as a tensor of its own over `held`'s memory, at the same place in the graph. */
function aliasOf(tensor: EngineTensor, held: EngineTensor): EngineTensor {
  const alias = new EngineTensor(held.shape, held.strides, held.dtype, held.storage);
  held.storage.refs++;
  alias.requiresGrad = tensor.requiresGrad;
  alias.gradFn = tensor.gradFn;
  alias.outputIndex = tensor.outputIndex;
  if (alias.gradFn !== null) alias.gradFn.refs++;
  return alias;
}
