import type { EngineTensor } from '../autograd/graph.js';
import { projectedShape } from './galore.js';
import type { Optimizer } from './optimizer.js';
import { state } from './optimizer.js';
import { Scratch } from './scratch.js';

/** Rank of the Trainer's `apollo_adamw` (transformers/trainer.py: APOLLO-Mini). */
const RANK = 1;

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
        const { shape, dtype } = parameter;
        const low = shape.length === 2 && isHidden(parameter);
        const [rows = 1, columns = 1] = shape;
        const projected = low ? projectedShape([rows, columns], RANK) : shape;
        if (!begun.has(parameter)) {
          begun.add(parameter);
          if (low) state(engine, rows >= columns ? [RANK, columns] : [rows, RANK], dtype);
          for (let i = 0; i < 2; i++) state(engine, projected, dtype);
        }
        if (low) scratch.bind('project', projected, dtype);
        scratch.bind('denom', projected, dtype);
        scratch.bind('norm_grad', projected, dtype);
        if (!low) continue;
        scratch.bind('scaled_grad', shape, dtype);
        scratch.bind('scaled_grad', shape, dtype);
      }
      scratch.end();
    },
  };
}
