import type { Block } from '../model/module-tree.js';
import type { Returned } from '../model/operations.js';
import type { Checkpointing } from '../run/training-run.js';
import type { BlockCall } from './autograd/checkpoint.js';
import { CheckpointedCall } from './autograd/checkpoint.js';
import type { Engine } from './autograd/engine.js';
import type { EngineTensor } from './autograd/graph.js';

type Argument = EngineTensor | null;
/** Runs a repeated layer. */
export type BlockRunner = (block: Block, args: readonly Argument[], call: BlockCall) => Returned;

/** Whether a block is checkpointed, by its place among the blocks. */
export function isCheckpointed(checkpointing: Checkpointing, index: number): boolean {
  if (checkpointing === 'none') return false;
  return typeof checkpointing === 'string' || index % checkpointing.everyNthLayer === 0;
}

/** A block as an ordinary module call: its arguments live until it returns. */
export function plainBlocks(engine: Engine): BlockRunner {
  return (_, args, call) => plainCall(engine, args, call);
}

/** Checkpointed blocks over whatever runs them. */
export function checkpointedBlocks(engine: Engine, checkpointing: Checkpointing, inner: BlockRunner): BlockRunner {
  return (block, args, call) => {
    if (!isCheckpointed(checkpointing, block.index) || !engine.gradEnabled) return inner(block, args, call);
    const checkpoint = new CheckpointedCall(engine, args, (inputs) => plainCall(engine, inputs, call));
    const outer = engine.hook;
    engine.hook = checkpoint;
    const result = inner(block, args, call);
    engine.hook = outer;
    checkpoint.close();
    return result;
  };
}

/** A module call: its arguments live until it returns. */
export function plainCall(engine: Engine, args: readonly Argument[], call: BlockCall): Returned {
  engine.enter(args);
  return engine.leave(call(args));
}
