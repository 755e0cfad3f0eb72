import type { Architecture } from '../../model/definition.js';
import type { DType } from '../../model/dtype.js';
import { bfloat16, float16, float32 } from '../../model/dtype.js';
import type { Precision, RunValues, Sharding, WeightType } from '../../run/training-run.js';
import type { PlaceParameter } from '../adapters/lora.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import type { BlockRunner } from '../block-runner.js';
import { plainBlocks } from '../block-runner.js';
import type { AroundPasses } from '../training-loop.js';
import { DistributedDataParallel } from './distributed-data-parallel.js';
import { FlatSharded } from './flat-sharded.js';
import { MegatronState } from './megatron-state.js';
import { isBefore, versionOf } from '../device/versions.js';
import { modelCodeOf } from '../rank-view-of.js';
import type { Edge, ShardedUnits, ShardingOptions } from './fully-sharded.js';
import { FullySharded } from './fully-sharded.js';
import type { ReduceBuckets } from './zero.js';
import { ZeroOptimizerState, elementsOf } from './zero.js';

/** How parameters are placed and layers run when training is spread over ranks. */
export interface ParallelStrategy {
  runBlock: BlockRunner;
  place?: PlaceParameter;
  around?: AroundPasses;
  /** Type of the weights where the strategy decides it, else that of the run's precision. */
  weightType?: DType;
  /** Called once the model is placed: the leaves that the optimizer steps, given the trained parameters. */
  begin(trained: readonly EngineTensor[]): readonly EngineTensor[];
  /** Leaves whose gradients are cleared at the start of an iteration; the stepped ones where left out. */
  cleared?(trained: readonly EngineTensor[]): readonly EngineTensor[];
  /** After a forward pass that no backward follows: what the root kept gathered is given up. */
  afterEvaluation?(): void;
  /** The leaves that have the gradients of a block's tensors; those tensors themselves where left out. */
  leavesOf?(block: number, tensors: readonly EngineTensor[]): readonly EngineTensor[];
  /** Autocast plays no part where a sharding policy decides the type of the computation. */
  replacesAutocast: boolean;
}

export interface ParallelContext {
  architecture: Architecture;
  /** Gradients are reduced in fp32 where the parameters are stored so. */
  reduceInFloat32: boolean;
  /** Whether a block is not run, as one that does what its neighbours do. */
  isLeftOut: (block: number) => boolean;
}

type Strategy = (engine: Engine, values: RunValues, context: ParallelContext) => ParallelStrategy;

const LOWERED: Partial<Record<Precision, DType>> = { 'amp-bf16': bfloat16, 'amp-fp16': float16, fp8: bfloat16 };
const STORED: Partial<Record<Precision, DType>> = { bf16: bfloat16, fp16: float16 };

const storedType = ({ precision }: RunValues): DType => STORED[precision] ?? float32;
const computeType = (values: RunValues): DType => LOWERED[values.precision] ?? storedType(values);
function unitsOf({ architecture: { root }, isLeftOut }: ParallelContext): ShardedUnits {
  const byPath = new Map(root.blocks.map(({ scope, index }) => [scope.path, index]));
  return { count: root.blocks.length, blockOf: (path) => blockAbove(path, byPath), isLeftOut };
}

/** torchtitan's names of what lies around its blocks. */
const EDGES: Readonly<Record<string, Edge>> = { tok_embeddings: 'first', norm: 'last', output: 'last' };

/**
 * torchtitan shards the embedding, and the last norm with the head, by themselves, where earlier it left them to the root,
 * which stays gathered (parallelize.py, "Improve reshard_after_forward logic", July 2025: in 0.2.0, which was made for
 * torch 2.9; a run that names neither is taken for a new one).
 */
function shardsEdges(values: RunValues): boolean {
  if (modelCodeOf(values) !== 'torchtitan') return false;
  const own = versionOf(values, 'torchtitan');
  return own === null ? !isBefore(versionOf(values, 'torch'), [2, 8]) : !isBefore(own, [0, 2]);
}

const withEdges = (units: ShardedUnits): ShardedUnits => ({
  ...units,
  edgeOf: (path) => EDGES[path.slice(0, path.indexOf('.'))] ?? null,
});

function blockAbove(path: string, byPath: ReadonlyMap<string, number>): number {
  for (let dot = path.indexOf('.'); dot >= 0; dot = path.indexOf('.', dot + 1)) {
    const block = byPath.get(path.slice(0, dot));
    if (block !== undefined) return block;
  }
  return -1;
}

const alone: Strategy = (engine) => ({
  runBlock: plainBlocks(engine),
  begin: (trained) => trained,
  replacesAutocast: false,
});

const replicated: Strategy = (engine, { parallelism }) => {
  const reducer = new DistributedDataParallel(engine, parallelism.gradientAsBucketView);
  const begin = (trained: readonly EngineTensor[]): readonly EngineTensor[] => {
    reducer.begin(trained);
    return trained;
  };
  return { runBlock: plainBlocks(engine), around: reducer, begin, replacesAutocast: false };
};

/** Programs that accumulate under `no_sync`: lightning's `no_backward_sync`, accelerate's `accumulate`. */
const UNSYNCHRONISED = /lit-?gpt|lightning|transformers|trl|axolotl|accelerate/i;
/** accelerate's `fsdp_sync_module_states`, on unless it is switched off; fsdp_qlora's `low_memory`. */
const SYNCHRONISED = /transformers|trl|axolotl|accelerate|fsdp_qlora/i;
/** litgpt wraps whole blocks, with the parameters as they are (`use_orig_params`); peft's policy takes adapters apart. */
const FLATTENED_TOGETHER = /lit-?gpt|lightning/i;

/** Programs whose checkpointing is reentrant unless they are told otherwise, up to a release of transformers. */
const REENTRANT = /transformers|trl|axolotl|accelerate/i;
const NOT_REENTRANT_SINCE = [5, 0];

/** `use_reentrant` of transformers' `gradient_checkpointing_enable` (modeling_utils.py; false since version 5). */
const isReentrant = (values: RunValues): boolean =>
  values.activationCheckpointing !== 'none' &&
  !values.kernels.includes('non-reentrant-checkpointing') &&
  REENTRANT.test(namesOf(values)) &&
  isBefore(versionOf(values, 'transformers'), NOT_REENTRANT_SINCE);

const KEPT: Readonly<Record<NonNullable<WeightType>, DType>> = { fp32: float32, fp16: float16, bf16: bfloat16 };

const namesOf = ({ program, framework }: RunValues): string => `${program?.name ?? ''} ${framework.name}`;

function shardingOptions(values: RunValues, { reduceInFloat32 }: ParallelContext): ShardingOptions {
  const computed = computeType(values);
  return {
    ranks: values.parallelism.shardSize,
    storedType: storedType(values),
    computeType: computed,
    reduceType: reduceInFloat32 ? storedType(values) : computed,
    offloads: values.offload.parameters,
    reshardAfterForward: values.parallelism.sharding !== 'fsdp-grad-op',
    keepsLastUnit: modelCodeOf(values) === 'torchtitan',
    accumulatesWhole: values.gradientAccumulationSteps > 1 && UNSYNCHRONISED.test(namesOf(values)),
    ...(values.weights === null ? {} : { frozenType: KEPT[values.weights] }),
    reentrant: isReentrant(values),
    synchronisesStates: SYNCHRONISED.test(namesOf(values)),
    flattensFrozen: FLATTENED_TOGETHER.test(namesOf(values)),
  };
}

const fullySharded: Strategy = (engine, values, context) => {
  const units = shardsEdges(values) ? withEdges(unitsOf(context)) : unitsOf(context);
  const sharded = new FullySharded(engine, shardingOptions(values, context), units);
  return {
    runBlock: sharded.runBlock,
    place: (shape, path) => sharded.place(shape, path),
    around: sharded,
    afterEvaluation: () => sharded.afterEvaluation(),
    begin: (trained) => sharded.shardsOf(trained),
    leavesOf: (_, tensors) => sharded.shardsOf(tensors),
    replacesAutocast: true,
  };
};

const flatSharded: Strategy = (engine, values, context) => {
  const sharded = new FlatSharded(engine, shardingOptions(values, context), unitsOf(context));
  return {
    runBlock: sharded.runBlock,
    place: (shape, path) => sharded.place(shape, path),
    around: sharded,
    afterEvaluation: () => sharded.afterEvaluation(),
    begin: () => sharded.begin(),
    leavesOf: (block) => sharded.leavesOf(block),
    replacesAutocast: true,
  };
};

/** FSDP in the version that the run uses. */
const sharded: Strategy = (engine, values, context) => {
  if (values.parallelism.shardSize === 1) return replicated(engine, values, context);
  return (values.parallelism.fsdpVersion === 1 ? flatSharded : fullySharded)(engine, values, context);
};

/** deepspeed/runtime/zero/config.py. */
const DEEPSPEED_BUCKETS: ReduceBuckets = { elements: 500_000_000, count: 1 };
/** DeepSpeedStrategy of Lightning and its Fabric: `reduce_bucket_size=200_000_000`, `overlap_comm=True`. */
const LIGHTNING_BUCKETS: ReduceBuckets = { elements: 200_000_000, count: 2 };

export const reduceBuckets = (values: RunValues): ReduceBuckets =>
  /lightning|lit-?gpt/i.test(namesOf(values)) ? LIGHTNING_BUCKETS : DEEPSPEED_BUCKETS;

/** ZeRO 1 and 2: whole parameters in the computation's type, optimizer state and (2) gradients in parts. */
const zero =
  (stage: 1 | 2): Strategy =>
  (engine, values) => {
    const state = new ZeroOptimizerState(engine, {
      stage,
      ranks: values.parallelism.shardSize,
      offloads: values.offload.optimizer,
      computeType: computeType(values),
      buckets: reduceBuckets(values),
    });
    return {
      runBlock: plainBlocks(engine),
      around: state,
      weightType: computeType(values),
      begin: (trained) => {
        engine.gradientHook = (parameter) => state.takeGradient(parameter);
        return [state.begin(elementsOf(trained))];
      },
      cleared: (trained) => trained,
      replacesAutocast: true,
    };
  };

/** Megatron's own: a buffer of gradients, fp32 parameters and states whole or, with its distributed optimizer, in parts. */
const megatron: Strategy = (engine, values) => {
  const { sharding, shardSize, expert, tensor } = values.parallelism;
  const computed = values.precision === 'fp8' ? bfloat16 : computeType(values);
  const ranks = sharding === 'distributed-optimizer' ? shardSize : 1;
  const reducesIn16Bit = computed === float16 || values.kernels.includes('grad-reduce-in-bf16');
  const state = new MegatronState(engine, {
    ranks,
    offloads: values.offload.optimizer,
    expertRanks: ranks === 1 ? 1 : Math.max(1, Math.floor((ranks * tensor) / expert)),
    computeType: computed,
    gradientType: reducesIn16Bit ? computed : float32,
  });
  return {
    runBlock: plainBlocks(engine),
    place: (shape, path) => state.place(shape, path),
    around: state,
    weightType: computed,
    begin: (trained) => state.begin(trained),
    cleared: () => [],
    replacesAutocast: true,
  };
};

/** ZeRO 3: parameters are gathered layer by layer as in full sharding, over parts in the computation's type. */
const zero3: Strategy = (engine, values, context) => {
  const computed = computeType(values);
  const options = { ...shardingOptions(values, context), storedType: computed, reduceType: computed };
  const gathering = new FullySharded(engine, options, unitsOf(context));
  const state = new ZeroOptimizerState(engine, {
    stage: 3,
    ranks: options.ranks,
    offloads: values.offload.optimizer,
    computeType: computed,
    buckets: reduceBuckets(values),
  });
  return {
    runBlock: gathering.runBlock,
    place: (shape, path) => gathering.place(shape, path),
    around: {
      beforeForward: () => gathering.beforeForward(),
      afterForward: () => gathering.afterForward(),
      beforeBackward: () => {
        state.beforeBackward();
        gathering.beforeBackward();
      },
      afterBackward: () => {
        gathering.afterBackward();
        state.afterBackward();
      },
      beforeStep: () => state.beforeStep(),
      afterStep: () => state.afterStep(),
    },
    begin: (trained) => [state.begin(elementsOf(trained))],
    cleared: (trained) => gathering.shardsOf(trained),
    leavesOf: (_, tensors) => gathering.shardsOf(tensors),
    replacesAutocast: true,
  };
};

const STRATEGIES: Record<Sharding, Strategy> = {
  none: alone,
  ddp: replicated,
  zero1: zero(1),
  zero2: zero(2),
  zero3,
  'fsdp-full': sharded,
  'fsdp-grad-op': sharded,
  hsdp: sharded,
  'distributed-optimizer': megatron,
};

/** The strategy of a run's `parallelism`. */
export function parallelStrategy(engine: Engine, values: RunValues, context: ParallelContext): ParallelStrategy {
  const { sharding } = values.parallelism;
  const own = modelCodeOf(values) === 'megatron' && (sharding === 'none' || sharding === 'ddp');
  return (own ? megatron : STRATEGIES[sharding])(engine, values, context);
}
