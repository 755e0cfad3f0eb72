import type { Architecture } from '../../model/definition.js';
import type { DType } from '../../model/dtype.js';
import { bfloat16, float16, float32 } from '../../model/dtype.js';
import type { Precision, RunValues } from '../../run/training-run.js';
import type { PlaceParameter } from '../adapters/lora.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import type { BlockRunner } from '../block-runner.js';
import { plainBlocks } from '../block-runner.js';
import type { AroundPasses } from '../training-loop.js';
import { FullySharded } from './fully-sharded.js';

/** How parameters are placed and layers run when training is spread over ranks. */
export interface ParallelStrategy {
  runBlock: BlockRunner;
  place?: PlaceParameter;
  around?: AroundPasses;
  /** The leaves that the optimizer steps, given the model's trained parameters. */
  stepped(trained: readonly EngineTensor[]): readonly EngineTensor[];
  /** Autocast plays no part where a sharding policy decides the type of the computation. */
  replacesAutocast: boolean;
}

const LOWERED: Partial<Record<Precision, DType>> = { 'amp-bf16': bfloat16, 'amp-fp16': float16 };
const STORED: Partial<Record<Precision, DType>> = { bf16: bfloat16, fp16: float16 };

/** Not spread, or spread without effect on this process. */
function alone(engine: Engine): ParallelStrategy {
  return { runBlock: plainBlocks(engine), stepped: (trained) => trained, replacesAutocast: false };
}

function fullySharded(
  engine: Engine,
  { precision, parallelism }: RunValues,
  { architecture, reduceInFloat32 }: { architecture: Architecture; reduceInFloat32: boolean },
): ParallelStrategy {
  const storedType = STORED[precision] ?? float32;
  const computeType = LOWERED[precision] ?? storedType;
  const sharded = new FullySharded(
    engine,
    {
      ranks: parallelism.shardSize,
      storedType,
      computeType,
      reduceType: reduceInFloat32 ? float32 : computeType,
      reshardAfterForward: parallelism.sharding !== 'fsdp-grad-op',
    },
    architecture.root.blocks.map(({ scope }) => scope.path),
  );
  return {
    runBlock: sharded.runBlock,
    place: (shape, path) => sharded.place(shape, path),
    around: sharded,
    stepped: (trained) => sharded.shardsOf(trained),
    replacesAutocast: true,
  };
}

/** The strategy of a run's `parallelism`. */
export function parallelStrategy(
  engine: Engine,
  values: RunValues,
  context: { architecture: Architecture; reduceInFloat32: boolean },
): ParallelStrategy {
  const { sharding, shardSize } = values.parallelism;
  const isSharded = sharding === 'fsdp-full' || sharding === 'fsdp-grad-op' || sharding === 'hsdp';
  return isSharded && shardSize > 1 ? fullySharded(engine, values, context) : alone(engine);
}
