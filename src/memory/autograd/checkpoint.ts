import type { DType } from '../../model/dtype.js';
import type { Returned } from '../../model/operations.js';
import type { Engine } from './engine.js';
import type { SavingHook } from './graph.js';
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
  private readonly autocast: DType | null;

  constructor(
    private readonly engine: Engine,
    private readonly args: readonly Argument[],
    private readonly call: BlockCall,
  ) {
    this.autocast = engine.autocast;
    for (const argument of args) if (argument !== null) argument.storage.refs++;
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
  private run(): EngineTensor[] {
    const { autocast } = this.engine;
    this.engine.autocast = this.autocast;
    const recomputed = recompute(this.engine, this.args, this.call, this.slots);
    this.engine.autocast = autocast;
    return recomputed;
  }

  release(slot: number): void {
    const tensor = this.recomputed?.[slot];
    if (!tensor) return;
    this.recomputed![slot] = null;
    this.engine.releaseStorage(tensor.storage);
  }

  forget(slot: number): void {
    this.release(slot);
    if (--this.outstanding === 0) this.releaseArguments();
  }

  private releaseArguments(): void {
    for (const argument of this.args) if (argument !== null) this.engine.releaseStorage(argument.storage);
  }
}

/** Catches what the recomputed operations save, until there are as many as forward saved. */
class RecomputationHook implements SavingHook {
  readonly caught: EngineTensor[] = [];

  constructor(private readonly wanted: number) {}

  pack(tensor: EngineTensor): number {
    tensor.storage.refs++;
    this.caught.push(tensor);
    if (this.caught.length === this.wanted) throw ENOUGH;
    return this.caught.length - 1;
  }

  unpack(slot: number): EngineTensor {
    return this.caught[slot]!;
  }

  release(): void {
    // What was caught belongs to the checkpointed call.
  }

  forget(): void {
    // The graph of the recomputation is never run.
  }
}

/** Runs a call again and returns what it saved, in order; everything else that it made is dropped. */
function recompute(engine: Engine, args: readonly Argument[], call: BlockCall, slots: number): EngineTensor[] {
  const hook = new RecomputationHook(slots);
  const outer = engine.beginRecomputation(hook);
  const inputs = args.map((argument) => (argument === null ? null : engine.hold(aliasOf(argument))));
  try {
    engine.dismiss(call(inputs));
  } catch (error) {
    if (error !== ENOUGH) throw error;
  }
  engine.endRecomputation(outer);
  for (const input of inputs) if (input !== null) engine.release(input);
  return hook.caught;
}

/** The saved argument as a tensor of its own, at the same place in the graph. */
function aliasOf(tensor: EngineTensor): EngineTensor {
  const alias = new EngineTensor(tensor.shape, tensor.strides, tensor.dtype, tensor.storage);
  tensor.storage.refs++;
  alias.requiresGrad = tensor.requiresGrad;
  alias.gradFn = tensor.gradFn;
  alias.outputIndex = tensor.outputIndex;
  if (alias.gradFn !== null) alias.gradFn.refs++;
  return alias;
}
