import type { Shape } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { projectedShape } from './galore.js';
import type { Optimizer } from './optimizer.js';
import { state } from './optimizer.js';
import { Scratch } from './scratch.js';

/** Rank of the Trainer's `apollo_adamw` (transformers/trainer.py: APOLLO-Mini). */
const RANK = 1;

/** The shape of the projected gradient of a hidden matrix; null: the gradient is taken as it is. */
function projectedOf({ shape }: EngineTensor, isHidden: boolean): Shape | null {
  const [rows, columns] = shape;
  return isHidden && shape.length === 2 ? projectedShape([rows!, columns!], RANK) : null;
}

/** The random projection of a matrix, and two moments of what is projected. */
function begin(engine: Engine, { shape, dtype }: EngineTensor, projected: Shape | null): void {
  const [rows = 1, columns = 1] = shape;
  if (projected !== null) state(engine, rows >= columns ? [RANK, columns] : [rows, RANK], dtype);
  for (let i = 0; i < 2; i++) state(engine, projected ?? shape, dtype);
}

function step(scratch: Scratch, { shape, dtype }: EngineTensor, projected: Shape | null): void {
  if (projected !== null) scratch.bind('project', projected, dtype);
  scratch.bind('denom', projected ?? shape, dtype);
  scratch.bind('norm_grad', projected ?? shape, dtype);
  if (projected === null) return;
  scratch.bind('scaled_grad', shape, dtype);
  scratch.bind('scaled_grad', shape, dtype);
}

/**
 * `APOLLOAdamW` of apollo-torch: moments of a random projection tell by how much the whole gradient is scaled, which is
 * copied for it twice.
 */
export function apollo(isHidden: (parameter: EngineTensor) => boolean): Optimizer {
  const begun = new Set<EngineTensor>();
  return {
    step: (engine, parameters) => {
      const scratch = new Scratch(engine);
      for (const parameter of parameters) {
        const projected = projectedOf(parameter, isHidden(parameter));
        if (!begun.has(parameter)) begin(engine, parameter, projected);
        begun.add(parameter);
        step(scratch, parameter, projected);
      }
      scratch.end();
    },
  };
}
