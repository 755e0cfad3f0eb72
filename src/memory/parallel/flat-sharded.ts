import type { DType } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Returned } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import { EngineTensor, Storage } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import type { BlockRunner } from '../block-runner.js';
import { plainCall } from '../block-runner.js';
import { onHost } from '../host-memory.js';
import type { ShardedUnits, ShardingOptions } from './fully-sharded.js';
import { flattened } from './flat-wrapping.js';
import { onGradient, onStream } from './graph-hooks.js';

const PLACE = operation('model.to');
const ALL_GATHER = operation('fsdp.all_gather');
const FLATTEN = operation('fsdp.flat_gradient');
const REDUCE_SCATTER = operation('fsdp.reduce_scatter');
const TO_COPY = operation('to_copy');

const UNSHARD_STREAM = 2;
const POST_BACKWARD_STREAM = 4;

const addElements = (sum: number, { shape }: EngineTensor): number => sum + elementCount(shape);

const addBytes = (sum: number, { shape, dtype }: EngineTensor): number => sum + elementCount(shape) * dtype.bytes;

/** A unit's parameters in one flat tensor: this rank's slice, and the whole while it is gathered. */
class FlatUnit {
  readonly wholes: EngineTensor[] = [];
  elements = 0;
  /** This rank's slice of what is trained, and of what is frozen. */
  shard: EngineTensor | null = null;
  frozen: EngineTensor | null = null;
  storage: Storage | null = null;
  reduced = false;
  /** What came into its block last. */
  input: Storage | null = null;
  /** Gradient that earlier micro-steps left, not reduced yet. */
  whole: EngineTensor | null = null;
}

/**
 * FullyShardedDataParallel, FSDP's first version (torch/distributed/fsdp/_runtime_utils.py and _flat_param.py of PyTorch
 * 2.9): each block is one flat parameter, gathered straight into the memory that is computed with; backward makes one
 * flat gradient out of the parameters' own. Memory given up on the compute stream returns to the gather stream's pool
 * only once the next unit has been gathered (`record_stream`, `limit_all_gathers`).
 */
export class FlatSharded {
  private readonly blocks: FlatUnit[];
  /** Those of the blocks that are run. */
  private readonly run: FlatUnit[];
  private readonly root = new FlatUnit();
  private leaving: FlatUnit | null = null;
  private synchronises = true;
  /** Inputs of blocks and their gradients that hooks keep until backward is over. */
  private readonly kept: Storage[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly options: ShardingOptions,
    private readonly units: ShardedUnits,
  ) {
    this.blocks = Array.from({ length: units.count }, () => new FlatUnit());
    this.run = this.blocks.filter((_, block) => !units.isLeftOut(block));
  }

  /** Notes a parameter of its unit; the flat tensors are made once all are known. */
  place(shape: Shape, path: string): EngineTensor {
    const block = this.units.blockOf(path);
    const unit = this.blocks[block] ?? this.root;
    unit.elements += elementCount(shape);
    unit.storage ??= new Storage(0, -1);
    const whole = this.engine.hold(new EngineTensor(shape, null, this.options.computeType, unit.storage));
    unit.wholes.push(whole);
    return whole;
  }

  /**
   * Allocates this rank's slice of each unit; returns the leaves for the optimizer. Adapters are flattened apart from the
   * frozen weights beside them, as peft's policy wraps them (peft/utils/other.py, fsdp_auto_wrap_policy): one flat
   * parameter may not hold both.
   */
  begin(): EngineTensor[] {
    const { engine, options } = this;
    const units = [...this.blocks, this.root].filter(({ elements }) => elements > 0);
    return units.flatMap((unit) => {
      const trained = unit.wholes.filter(({ requiresGrad }) => requiresGrad).reduce(addElements, 0);
      const slices = [trained, unit.elements - trained].map((elements) => Math.ceil(elements / options.ranks));
      const types = [options.storedType, this.frozenType];
      const whole = this.wrapped(unit);
      [unit.shard = null, unit.frozen = null] = slices.map((slice, i) =>
        slice === 0
          ? null
          : onHost(engine, options.offloads, () => engine.hold(engine.empty([slice], types[i]!, PLACE))),
      );
      for (const flat of whole) engine.drop(flat);
      const gathered = slices.reduce((sum, slice) => sum + slice * options.ranks, 0);
      const storage = new Storage(gathered * options.computeType.bytes, -1);
      for (const parameter of unit.wholes) parameter.storage = storage;
      storage.refs = unit.wholes.length;
      unit.storage = storage;
      if (unit.shard === null) return [];
      unit.shard.requiresGrad = true;
      return [unit.shard];
    });
  }

  private wrapped({ wholes }: FlatUnit): readonly EngineTensor[] {
    const { storedType: trained, synchronisesStates: synchronises = false } = this.options;
    return flattened(this.engine, wholes, { trained, frozen: this.frozenType, synchronises });
  }

  /** The leaf of a block. */
  leavesOf(block: number): readonly EngineTensor[] {
    const { shard } = this.blocks[block]!;
    return shard === null ? [] : [shard];
  }

  beginMicroStep(isLast: boolean): void {
    this.synchronises = isLast || this.options.accumulatesWhole !== true;
  }

  beforeForward(): void {
    for (const unit of [...this.blocks, this.root]) unit.reduced = false;
    this.gather(this.root);
  }

  afterForward(): void {
    this.leave(null);
  }

  /** No backward follows: the root is given up too. */
  afterEvaluation(): void {
    this.leave(null);
    if (this.root.storage !== null) this.engine.resize(this.root.storage, false, ALL_GATHER);
  }

  runBlock: BlockRunner = (block, args, call) => {
    const { engine } = this;
    const unit = this.blocks[block.index]!;
    this.gather(unit);
    this.leave(null);
    const watched = args.map((argument) => (argument?.requiresGrad ? this.watchInput(argument, unit) : argument));
    const result = plainCall(engine, watched, call);
    if (this.options.reshardAfterForward) this.leave(unit);
    return this.watchOutput(result, block.index);
  };

  private watchInput(input: EngineTensor, unit: FlatUnit): EngineTensor {
    unit.input = input.storage;
    return onGradient(this.engine, input, (gradient) => {
      if (this.keepsInputs(unit)) this.keep(gradient.storage);
      this.reduce(unit);
    });
  }

  private keep(storage: Storage): void {
    if (storage.refs <= 0) return;
    storage.refs++;
    this.kept.push(storage);
  }

  /**
   * A unit of frozen parameters alone is given up in backward by a hook on the gradients of its inputs
   * (_register_post_backward_reshard_only_hook of _runtime_utils.py). Where a checkpointed block runs again over detached
   * inputs, the hook holds these leaves, and so their gradients, until all of backward is over.
   */
  private keepsInputs({ frozen }: FlatUnit): boolean {
    const { reentrant, flattensFrozen } = this.options;
    return reentrant === true && flattensFrozen !== true && frozen !== null;
  }

  beforeBackward(): void {
    this.leave(null);
  }

  afterBackward(): void {
    this.leave(null);
    for (const unit of [...this.run, this.root]) if (!unit.reduced) this.reduce(unit);
    for (const storage of this.kept.splice(0)) this.engine.releaseStorage(storage);
    this.leave(null);
  }

  private watchOutput(result: Returned, index: number): Returned {
    if (!(result instanceof EngineTensor) || !result.requiresGrad) return result;
    const output = onGradient(this.engine, result, () => this.prepareBackward(index));
    this.engine.consume(result);
    return output;
  }

  /** BACKWARD_PRE: the unit is there and the next lower one is gathered ahead. */
  private prepareBackward(index: number): void {
    const unit = this.blocks[index]!;
    this.gather(unit);
    if (unit.input !== null && this.keepsInputs(unit)) this.keep(unit.input);
    const lower = this.run[this.run.indexOf(unit) - 1];
    if (lower !== undefined) this.gather(lower);
    this.leave(null);
  }

  /** The slice in the compute type lives until the gather is done. */
  private gather(unit: FlatUnit): void {
    const { engine, options } = this;
    if (unit.storage === null || unit.storage.block >= 0) return;
    onStream(engine, UNSHARD_STREAM, () => {
      const parts = [unit.shard, unit.frozen].filter((part) => part !== null);
      const cast = parts.filter(({ dtype }) => dtype !== options.computeType).reduce(addElements, 0);
      const fetched = options.offloads ? this.buffer(parts.reduce(addBytes, 0)) : null;
      const slice = cast > 0 ? this.buffer(cast * options.computeType.bytes) : null;
      const category = engine.recorder.bear('parameters');
      engine.resize(unit.storage!, true, ALL_GATHER);
      engine.recorder.bear(category);
      for (const scratch of [slice, fetched]) if (scratch !== null) engine.discard(scratch);
    });
  }

  /** Gives up the unit that was left before, and remembers this one. */
  private leave(unit: FlatUnit | null): void {
    if (this.leaving !== null && this.leaving !== unit) this.engine.resize(this.leaving.storage!, false, ALL_GATHER);
    this.leaving = unit;
  }

  private get frozenType(): DType {
    return this.options.frozenType ?? this.options.storedType;
  }

  private reduce(unit: FlatUnit): void {
    unit.reduced = true;
    const { options } = this;
    const ready = unit.wholes.filter(({ gradient }) => gradient !== null);
    if (ready.length > 0) {
      const flat = this.addedTo(unit, this.flatGradient(ready, unit));
      if (!this.synchronises) unit.whole = flat;
      else this.reduceInto(unit, flat);
    }
    if (options.ranks > 1) this.leave(unit);
  }

  /** The sum with what earlier micro-steps left, in its place. */
  private addedTo(unit: FlatUnit, flat: EngineTensor): EngineTensor {
    const { whole } = unit;
    if (whole === null) return flat;
    this.engine.release(flat);
    unit.whole = null;
    return whole;
  }

  private reduceInto(unit: FlatUnit, flat: EngineTensor): void {
    const { engine } = this;
    const output = onStream(engine, POST_BACKWARD_STREAM, () => this.reduceScatter(unit));
    engine.release(flat);
    engine.recorder.categorise(output.storage.block, 'gradients');
    if (unit.shard!.gradient === null) unit.shard!.gradient = this.offloaded(output);
    else engine.release(output);
  }

  /** The gradient, or its copy in the host's memory. */
  private offloaded(gradient: EngineTensor): EngineTensor {
    const { engine, options } = this;
    if (!options.offloads) return gradient;
    const copy = onHost(engine, true, () => engine.hold(engine.empty(gradient.shape, gradient.dtype, TO_COPY)));
    engine.release(gradient);
    return copy;
  }

  /** One gradient for the unit, made while the parameters' own are there, then in the type of the reduction. */
  private flatGradient(ready: readonly EngineTensor[], unit: FlatUnit): EngineTensor {
    const { engine, options } = this;
    const elements = this.gradientSlice(unit) * options.ranks;
    const flat = engine.hold(engine.empty([elements], options.computeType, FLATTEN));
    for (const whole of ready) {
      engine.release(whole.gradient!);
      whole.gradient = null;
    }
    if (options.reduceType === options.computeType) return flat;
    const cast = engine.hold(engine.empty([elements], options.reduceType, TO_COPY));
    engine.release(flat);
    return cast;
  }

  private gradientSlice(unit: FlatUnit): number {
    const frozen = this.options.flattensFrozen === true && unit.frozen !== null ? elementCount(unit.frozen.shape) : 0;
    return elementCount(unit.shard!.shape) + frozen;
  }

  private reduceScatter(unit: FlatUnit): EngineTensor {
    const { engine, options } = this;
    const shape = [this.gradientSlice(unit)];
    const output = engine.hold(engine.empty(shape, options.reduceType, REDUCE_SCATTER));
    if (options.reduceType === options.storedType) return output;
    const cast = engine.hold(engine.empty(shape, options.storedType, TO_COPY));
    engine.release(output);
    return cast;
  }

  private buffer(bytes: number): Storage {
    const category = this.engine.recorder.bear('communication');
    const storage = this.engine.scratch(bytes, ALL_GATHER);
    this.engine.recorder.bear(category);
    return storage;
  }
}
