import type { EngineTensor } from '../autograd/graph.js';
import type { Optimizer } from './optimizer.js';
import { state, stateLike } from './optimizer.js';
import { Scratch } from './scratch.js';

/** `Adam_mini` of adam-mini: a first moment for each element, a second one for each row of a matrix. */
export function adamMini(): Optimizer {
  const begun = new Set<EngineTensor>();
  return {
    step: (engine, parameters) => {
      const scratch = new Scratch(engine);
      for (const parameter of parameters) {
        const { shape, dtype } = parameter;
        const rows = shape.length > 1 ? [shape[0]!, 1] : [];
        if (!begun.has(parameter)) {
          begun.add(parameter);
          stateLike(engine, parameter);
          state(engine, rows, dtype);
        }
        scratch.bind('square', shape, dtype);
        scratch.bind('tmp_lr', rows, dtype);
        scratch.drop('square');
        scratch.bind('h', rows, dtype);
        scratch.bind('stepsize', rows, dtype);
        scratch.bind('update', shape, dtype);
        scratch.pass('neg', shape, dtype);
      }
      scratch.end();
    },
  };
}
