import type { Block } from '../model/module-tree.js';
import type { Returned } from '../model/operations.js';
import type { Checkpointing, RunValues } from '../run/training-run.js';
import type { BlockCall } from './autograd/checkpoint.js';
import { CheckpointedCall } from './autograd/checkpoint.js';
import type { Engine } from './autograd/engine.js';
import type { EngineTensor } from './autograd/graph.js';
import { KeptOutputs } from './autograd/kept-outputs.js';
import { compiledCall } from './compiled-call.js';
import { everySecondProduct } from './save-policy.js';

type Argument = EngineTensor | null;
/** Runs a repeated layer. */
export type BlockRunner = (block: Block, args: readonly Argument[], call: BlockCall) => Returned;

/** Whether a block is checkpointed, by its place among the blocks. */
export function isCheckpointed(checkpointing: Checkpointing, index: number): boolean {
  if (checkpointing === 'none') return false;
  if (typeof checkpointing === 'string') return true;
  return 'everyNthLayer' in checkpointing && index % checkpointing.everyNthLayer === 0;
}

/** A block as an ordinary module call: its arguments live until it returns. */
export function plainBlocks(engine: Engine): BlockRunner {
  return (_, args, call) => plainCall(engine, args, call);
}

/** Checkpointed blocks over whatever runs them. */
export function checkpointedBlocks(engine: Engine, checkpointing: Checkpointing, inner: BlockRunner): BlockRunner {
  return (block, args, call) => {
    if (!isCheckpointed(checkpointing, block.index) || !engine.gradEnabled) return inner(block, args, call);
    const kept = checkpointing === 'selective' ? new KeptOutputs(everySecondProduct) : null;
    const checkpoint = new CheckpointedCall(engine, args, (inputs) => plainCall(engine, inputs, call), kept);
    const { hook, outputs } = engine;
    engine.hook = checkpoint;
    engine.outputs = kept;
    const result = inner(block, args, call);
    engine.hook = hook;
    engine.outputs = outputs;
    checkpoint.close();
    return result;
  };
}

/** Compiled blocks; where each chooses what it recomputes, the compiler does so while it cuts the graph in two. */
function compiledBlocks(engine: Engine, checkpointing: Checkpointing, inner: BlockRunner): BlockRunner {
  const selective = checkpointing === 'selective' ? everySecondProduct : null;
  const around = selective === null ? checkpointedBlocks(engine, checkpointing, inner) : inner;
  return (block, args, call) => around(block, args, compiledCall(engine, call, selective));
}

/** Runs blocks as the run's checkpointing and compilation say, over whatever places their parameters. */
export function blockRunner(
  engine: Engine,
  { activationCheckpointing, compile }: RunValues,
  inner: BlockRunner,
): BlockRunner {
  if (compile !== 'none') return compiledBlocks(engine, activationCheckpointing, inner);
  return activationCheckpointing === 'none' ? inner : checkpointedBlocks(engine, activationCheckpointing, inner);
}

/** Runs a named part of a layer. */
export type SectionRunner = (name: string, args: readonly Argument[], call: BlockCall) => Returned;

/** Parts of layers, those that the run recomputes by themselves as calls that keep nothing but their arguments. */
export function sectionRunner(engine: Engine, { activationCheckpointing: checkpointing }: RunValues): SectionRunner {
  const recomputed = sectionsOf(checkpointing);
  return (name, args, call) => {
    return recomputed.includes(name) ? checkpointedCall(engine, args, call) : plainCall(engine, args, call);
  };
}

/** A call that keeps nothing but its arguments for backward, where anything is recorded. */
export function checkpointedCall(engine: Engine, args: readonly Argument[], call: BlockCall): Returned {
  if (!engine.gradEnabled) return plainCall(engine, args, call);
  const checkpoint = new CheckpointedCall(engine, args, (inputs) => plainCall(engine, inputs, call));
  const { hook } = engine;
  engine.hook = checkpoint;
  const result = plainCall(engine, args, call);
  engine.hook = hook;
  checkpoint.close();
  return result;
}

/** Megatron's `--recompute-modules`; by default attention's scores and what comes of them. */
const sectionsOf = (checkpointing: Checkpointing): readonly string[] => {
  if (checkpointing === 'selective') return ['core_attn'];
  return typeof checkpointing === 'object' && 'modules' in checkpointing ? checkpointing.modules : [];
};

/** A module call: its arguments live until it returns. */
export function plainCall(engine: Engine, args: readonly Argument[], call: BlockCall): Returned {
  engine.enter(args);
  return engine.leave(call(args));
}
