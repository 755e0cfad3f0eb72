import { float32 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import type { Optimizer } from './optimizer.js';
import { state } from './optimizer.js';
import { Scratch } from './scratch.js';

/** Rank of the Trainer's `galore_adamw` (transformers/trainer.py, `optim_args`). */
const RANK = 128;

type Matrix = readonly [rows: number, columns: number];

const isMatrix = (parameter: EngineTensor): boolean => parameter.shape.length === 2;

/** The shape of a gradient that is projected to the rank along its longer or shorter side (`proj_type` std). */
export const projectedShape = ([rows, columns]: Matrix, rank: number): Shape =>
  rows >= columns ? [rows, Math.min(rank, columns)] : [Math.min(rank, rows), columns];

/**
 * Singular vectors of the gradient: of fp32 gradients the projection is a part of all of them, which stays whole; others
 * are decomposed in fp32 and the part is copied.
 */
function decompose(engine: Engine, scratch: Scratch, parameter: EngineTensor, rank: number): void {
  const [rows, columns] = parameter.shape as Matrix;
  const small = Math.min(rows, columns);
  const wide = rows >= columns;
  const raised = parameter.dtype !== float32;
  if (raised) scratch.bind('to_copy', parameter.shape, float32);
  scratch.bind(wide ? 'svd_u' : 'svd_vh', wide ? [rows, small] : [small, columns], float32);
  scratch.bind('svd_s', [small], float32);
  const kept: Shape = wide ? [small, columns] : [rows, small];
  if (raised) {
    scratch.bind('svd_v', kept, float32);
    state(engine, wide ? [Math.min(rank, small), columns] : [rows, Math.min(rank, small)], parameter.dtype);
  } else state(engine, kept, float32);
  scratch.end();
}

/** What the projected step makes for one matrix: the projected gradient and direction, and the direction made whole. */
function step(scratch: Scratch, parameter: EngineTensor, projected: Shape | null): void {
  const { dtype } = parameter;
  const shape = projected ?? parameter.shape;
  if (projected !== null) scratch.bind('project', projected, dtype);
  scratch.bind('denom', shape, dtype);
  scratch.bind('norm_grad', shape, dtype);
  if (projected === null) return;
  scratch.bind('whole', parameter.shape, dtype);
  scratch.bind('scaled', parameter.shape, dtype);
  scratch.drop('norm_grad', 'whole');
}

/** `GaLoreAdamW` of galore-torch: Adam's moments in a low-rank space that the gradients of hidden matrices go to. */
export function galore(isHidden: (parameter: EngineTensor) => boolean): Optimizer {
  const begun = new Set<EngineTensor>();
  return {
    step: (engine, parameters) => {
      const scratch = new Scratch(engine);
      for (const parameter of parameters) {
        const low = isMatrix(parameter) && isHidden(parameter);
        const projected = low ? projectedShape(parameter.shape as Matrix, RANK) : null;
        if (!begun.has(parameter)) {
          begun.add(parameter);
          if (low) decompose(engine, scratch, parameter, RANK);
          for (let i = 0; i < 2; i++) state(engine, projected ?? parameter.shape, parameter.dtype);
        }
        step(scratch, parameter, projected);
      }
      scratch.end();
    },
  };
}
