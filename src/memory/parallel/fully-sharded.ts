import type { DType } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Returned } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { Storage } from '../autograd/graph.js';
import { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import type { BlockRunner } from '../block-runner.js';
import { plainCall } from '../block-runner.js';
import { onHost } from '../host-memory.js';
import { onGradient, onStream } from './graph-hooks.js';

const PLACE = operation('model.to');
const ALL_GATHER = operation('fsdp.all_gather');
const COPY_TO_DEVICE = operation('fsdp.copy_to_device');
const COPY_OUT = operation('fsdp.all_gather_copy_out');
const REDUCE_SCATTER = operation('fsdp.reduce_scatter');
const TO_COPY = operation('to_copy');

/** Streams of their own, and so allocator pools of their own. */
const ALL_GATHER_STREAM = 2;
const REDUCE_SCATTER_STREAM = 4;

export interface ShardingOptions {
  /** Ranks over which each parameter is spread. */
  ranks: number;
  /** Type of the sharded parameters and of their gradients for the optimizer. */
  storedType: DType;
  /** Type in which parameters are gathered and computed with. */
  computeType: DType;
  reduceType: DType;
  /** Type that frozen parameters are stored in where it is not that of the trained ones. */
  frozenType?: DType;
  /** Checkpointed blocks run again as graphs of their own (`use_reentrant=True`), of leaves that hooks keep. */
  reentrant?: boolean;
  /** Shards and their gradients lie in the host's memory (CPUOffloadPolicy, offload_param). */
  offloads: boolean;
  /** Whether a block gives its parameters up between forward and backward. */
  reshardAfterForward: boolean;
  /** Under `no_sync`, gradients stay whole until the last micro-step of an accumulation. */
  accumulatesWhole?: boolean;
  /** Adapters and the frozen weights beside them are one flat parameter, whose gradient is whole, zeros and all. */
  flattensFrozen?: boolean;
  /** FSDP 1: the first rank hands its parameters to the others while the model is wrapped. */
  synchronisesStates?: boolean;
  /** What is computed last stays gathered from forward to backward, which would gather it at once again. */
  keepsLastUnit?: boolean;
}

/** What lies before the first block and behind the last one. */
export type Edge = 'first' | 'last';

/** The blocks that are sharded each by itself. */
export interface ShardedUnits {
  readonly count: number;
  /** Index of the block that a parameter's path lies in; -1: in none. */
  readonly blockOf: (path: string) => number;
  /** Whether a block is not run, as one that does what its neighbours do. */
  readonly isLeftOut: (block: number) => boolean;
  /** Where what lies around the blocks is sharded by itself: the edge that a parameter belongs to; null: the root. */
  readonly edgeOf?: (path: string) => Edge | null;
}

interface ShardedParameter {
  /** This rank's part, a leaf for the optimizer. */
  shard: EngineTensor;
  /** The whole parameter, whose storage is filled while it is gathered. */
  whole: EngineTensor;
  /** Elements of the whole, padded so that each rank has as many. */
  paddedElements: number;
}

/** Parameters that are gathered and reduced together: a transformer block, or what is left for the root. */
class ShardedGroup {
  readonly parameters: ShardedParameter[] = [];
  gathered: Storage | null = null;
  unsharded = false;
  reduced = false;

  /** Bytes of all parameters, padded, in a type. */
  bytes(dtype: DType): number {
    return this.parameters.reduce((sum, { paddedElements }) => sum + paddedElements, 0) * dtype.bytes;
  }
}

/**
 * `fully_shard` on each block, then on the root (torch/distributed/fsdp/_fully_shard of PyTorch 2.9): who gathers what,
 * when it is given up, and which buffers exist in between. Rank 0's view.
 */
export class FullySharded {
  private readonly blocks: ShardedGroup[];
  /** Those of the blocks that are run. */
  private readonly run: ShardedGroup[];
  private readonly root = new ShardedGroup();
  private readonly edges: Record<Edge, ShardedGroup> = { first: new ShardedGroup(), last: new ShardedGroup() };
  /** This rank's part of each parameter, by the whole. */
  private readonly shardOf = new Map<EngineTensor, EngineTensor>();
  /** Forward keeps an all-gather's output until the next group has copied out, so that the two overlap. */
  private keptGather: Storage | null = null;
  /** The input of the last reduce-scatter lives until the next one begins. */
  private keptReduction: Storage | null = null;

  constructor(
    private readonly engine: Engine,
    private readonly options: ShardingOptions,
    private readonly units: ShardedUnits,
  ) {
    this.blocks = Array.from({ length: units.count }, () => new ShardedGroup());
    this.run = this.blocks.filter((_, block) => !units.isLeftOut(block));
  }

  /** Allocates this rank's shard and returns the parameter as the model sees it. */
  place(shape: Shape, path: string): EngineTensor {
    const { engine, options } = this;
    const rows = Math.ceil((shape[0] ?? 1) / options.ranks);
    const rest = shape.slice(1);
    const shard = onHost(engine, options.offloads, () =>
      engine.hold(engine.empty([rows, ...rest], options.storedType, PLACE)),
    );
    const storage = engine.emptyStorage(elementCount(shape) * options.computeType.bytes);
    const whole = engine.hold(new EngineTensor(shape, null, options.computeType, storage));
    const paddedElements = rows * options.ranks * elementCount(rest);
    this.groupOf(path).parameters.push({ shard, whole, paddedElements });
    this.shardOf.set(whole, shard);
    return whole;
  }

  /** This rank's shards of the trained parameters. */
  shardsOf(trained: readonly EngineTensor[]): EngineTensor[] {
    return trained.map((whole) => this.shardOf.get(whole) ?? whole);
  }

  private groupOf(path: string): ShardedGroup {
    const block = this.blocks[this.units.blockOf(path)];
    if (block !== undefined) return block;
    const edge = this.units.edgeOf?.(path) ?? null;
    return edge === null ? this.root : this.edges[edge];
  }

  private get around(): readonly ShardedGroup[] {
    return [this.root, this.edges.first, this.edges.last];
  }

  // ---- forward

  /** The root is gathered before anything else and stays so until backward has ended. */
  beforeForward(): void {
    for (const group of [...this.around, ...this.blocks]) group.reduced = false;
    this.gatherInForward(this.root);
    this.gatherInForward(this.edges.first);
  }

  afterForward(): void {
    this.dropKeptGather();
  }

  runBlock: BlockRunner = (block, args, call) => {
    const { engine } = this;
    const group = this.blocks[block.index]!;
    if (this.edges.first.unsharded && this.options.reshardAfterForward) this.reshard(this.edges.first);
    this.gatherInForward(group);
    const watched = args.map((argument) =>
      argument?.requiresGrad ? onGradient(engine, argument, () => this.afterBlock(group)) : argument,
    );
    const result = plainCall(engine, watched, call);
    if (this.options.reshardAfterForward && !this.isKept(group)) this.reshard(group);
    if (group === this.run.at(-1)) this.gatherInForward(this.edges.last);
    return this.watchOutput(result, block.index);
  };

  /** Whether a block stays gathered as the last unit that is computed. */
  private isKept(group: ShardedGroup): boolean {
    if (this.options.keepsLastUnit !== true || !this.engine.gradEnabled) return false;
    return group === this.run.at(-1) && this.edges.last.parameters.length === 0;
  }

  /** A block's input has its gradient: below the first block, what made that input is gathered for its own backward. */
  private afterBlock(group: ShardedGroup): void {
    this.reduce(group);
    if (group === this.run[0]) this.gatherForBackward(this.edges.first);
  }

  /** No backward follows: the root is given up too. */
  afterEvaluation(): void {
    for (const group of this.around) if (group.unsharded) this.reshard(group);
  }

  private gatherInForward(group: ShardedGroup): void {
    if (group.unsharded || group.parameters.length === 0) return;
    this.allGather(group);
    this.copyOut(group);
    this.dropKeptGather();
    this.keptGather = group.gathered;
    group.gathered = null;
  }

  private dropKeptGather(): void {
    if (this.keptGather !== null) this.engine.discard(this.keptGather);
    this.keptGather = null;
  }

  // ---- gathering

  private allGather(group: ShardedGroup): void {
    if (group.unsharded || group.gathered !== null || group.parameters.length === 0) return;
    const bytes = group.bytes(this.options.computeType);
    onStream(this.engine, ALL_GATHER_STREAM, () => {
      const fetched = this.fetchedShard(group);
      const input = this.buffer(bytes / this.options.ranks, ALL_GATHER);
      if (fetched !== null) this.engine.discard(fetched);
      group.gathered = this.buffer(bytes, ALL_GATHER);
      this.engine.discard(input);
    });
  }

  /** A shard that lies in the host's memory is copied to the device as it is stored. */
  private fetchedShard(group: ShardedGroup): Storage | null {
    const { offloads, storedType, ranks } = this.options;
    return offloads ? this.buffer(group.bytes(storedType) / ranks, COPY_TO_DEVICE) : null;
  }

  private copyOut(group: ShardedGroup): void {
    group.unsharded = true;
    const category = this.engine.recorder.bear('parameters');
    for (const { whole } of group.parameters) this.engine.resize(whole.storage, true, COPY_OUT);
    this.engine.recorder.bear(category);
  }

  private reshard(group: ShardedGroup): void {
    group.unsharded = false;
    for (const { whole } of group.parameters) this.engine.resize(whole.storage, false, COPY_OUT);
  }

  // ---- backward

  /** The loss has its gradient: the last block is gathered ahead. */
  beforeBackward(): void {
    const last = this.run[this.run.length - 1];
    if (last !== undefined) this.allGather(last);
  }

  /** Groups whose inputs needed no gradient, and the root. */
  afterBackward(): void {
    for (const group of [...this.run, ...this.around]) if (!group.reduced) this.reduce(group);
    this.dropKeptReduction();
  }

  /** Before a block's backward: its parameters are there, the next lower block is gathered ahead. */
  private prepareBackward(index: number): void {
    const group = this.blocks[index]!;
    if (group === this.run.at(-1) && !this.edges.last.reduced) this.reduce(this.edges.last);
    this.gatherForBackward(group);
    this.allGather(this.run[this.run.indexOf(group) - 1] ?? this.edges.first);
  }

  private gatherForBackward(group: ShardedGroup): void {
    if (group.unsharded || group.parameters.length === 0) return;
    this.allGather(group);
    this.copyOut(group);
    this.engine.discard(group.gathered!);
    group.gathered = null;
  }

  /** After a group's backward: its parameters go, its gradients are reduced into the shards'. */
  private reduce(group: ShardedGroup): void {
    group.reduced = true;
    const ready = group.parameters.filter(({ whole }) => whole.gradient !== null);
    const gradients = ready.map(({ whole }) => whole.gradient!);
    for (const { whole } of ready) whole.gradient = null;
    this.reshard(group);
    if (ready.length === 0) return;
    this.dropKeptReduction();
    const { engine, options } = this;
    const elements = ready.reduce((sum, { paddedElements }) => sum + paddedElements, 0);
    this.keptReduction = this.buffer(elements * options.reduceType.bytes, REDUCE_SCATTER);
    const last = gradients.pop()!;
    for (const gradient of gradients) engine.release(gradient);
    const output = onStream(this.engine, REDUCE_SCATTER_STREAM, () => this.reduceScatter(elements / options.ranks));
    engine.release(last);
    this.giveGradients(ready, output);
  }

  private reduceScatter(elements: number): EngineTensor {
    const { engine, options } = this;
    const output = engine.hold(engine.empty([elements], options.reduceType, REDUCE_SCATTER));
    if (options.reduceType === options.storedType) return output;
    const cast = engine.hold(engine.empty([elements], options.storedType, TO_COPY));
    engine.release(output);
    return cast;
  }

  /** The shards' gradients are views of one buffer; later micro-batches are added in place. */
  private giveGradients(ready: readonly ShardedParameter[], output: EngineTensor): void {
    const { engine } = this;
    engine.recorder.categorise(output.storage.block, 'gradients');
    const { offloads } = this.options;
    const copied = offloads ? onHost(engine, true, () => engine.empty(output.shape, output.dtype, TO_COPY)) : output;
    for (const { shard } of ready) shard.gradient ??= engine.hold(engine.viewOf(copied, shard.shape, null));
    if (copied !== output) engine.consume(copied);
    engine.release(output);
  }

  private dropKeptReduction(): void {
    if (this.keptReduction !== null) this.engine.discard(this.keptReduction);
    this.keptReduction = null;
  }

  private watchOutput(result: Returned, index: number): Returned {
    if (!(result instanceof EngineTensor) || !result.requiresGrad) return result;
    const output = onGradient(this.engine, result, () => this.prepareBackward(index));
    this.engine.consume(result);
    return output;
  }

  private buffer(bytes: number, name: number): Storage {
    const category = this.engine.recorder.bear('communication');
    const storage = this.engine.scratch(bytes, name);
    this.engine.recorder.bear(category);
    return storage;
  }
}
