import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Optimizer } from './optimizer.js';
import { foreachTemporaries, groupsByType, releaseAll, state, stateLike } from './optimizer.js';

const UPDATES = operation('foreach_mul');
const RESIDUALS = operation('foreach_sub');

const isFactored = ({ shape }: EngineTensor): boolean => shape.length >= 2;

/** CAME: a first moment, and second moments and their confidence as a row and a column of each matrix. */
export function came(): Optimizer {
  const begun = new Set<EngineTensor>();
  return {
    step: (engine, parameters) => {
      for (const parameter of parameters) {
        if (begun.has(parameter)) continue;
        begun.add(parameter);
        stateLike(engine, parameter);
        if (!isFactored(parameter)) stateLike(engine, parameter);
        else {
          const { shape, dtype } = parameter;
          const [row, column] = [shape.slice(0, -1), [...shape.slice(0, -2), shape[shape.length - 1]!]];
          for (const part of [row, column, row, column]) state(engine, part, dtype);
        }
      }
      for (const factored of [false, true]) {
        for (const group of groupsByType(parameters.filter((one) => isFactored(one) === factored))) {
          const updates = foreachTemporaries(engine, group, UPDATES);
          const residuals = foreachTemporaries(engine, group, RESIDUALS);
          releaseAll(engine, updates);
          releaseAll(engine, residuals);
        }
      }
    },
  };
}
