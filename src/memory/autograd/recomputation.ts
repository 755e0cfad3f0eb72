import type { BreakdownCategory } from '../estimate.js';
import type { Engine } from './engine.js';
import type { EngineTensor, SavingHook } from './graph.js';

/** What recomputation sets aside. */
export interface OuterState {
  gradEnabled: boolean;
  autocastCache: Map<EngineTensor, EngineTensor>;
  arena: Engine['arena'];
  hook: SavingHook | null;
  category: BreakdownCategory;
  depth: number;
}

/** Sets the state aside in which backward runs, and begins one in which everything made is noted for its end. */
export function beginRecomputation(engine: Engine, hook: SavingHook): OuterState {
  const { gradEnabled, autocastCache, arena, hook: outerHook } = engine;
  const category = engine.recorder.bear('activations');
  engine.gradEnabled = true;
  engine.autocastCache = new Map();
  engine.arena = { tensors: [], nodes: [] };
  engine.hook = hook;
  return { gradEnabled, autocastCache, arena, hook: outerHook, category, depth: engine.frames.depth };
}

/** Drops what recomputation made, as the exception that stops it does, and restores the outer state. */
export function endRecomputation(engine: Engine, outer: OuterState): void {
  const { tensors, nodes } = engine.arena!;
  engine.frames.unwind(outer.depth);
  engine.clearAutocastCache();
  for (const tensor of tensors) if (tensor.refs >= 0) engine.destroy(tensor);
  for (const node of nodes) {
    if (node.refs !== 0) continue;
    node.refs = 1;
    engine.releaseNode(node);
  }
  engine.recorder.bear(outer.category);
  engine.gradEnabled = outer.gradEnabled;
  engine.autocastCache = outer.autocastCache;
  engine.arena = outer.arena;
  engine.hook = outer.hook;
}
