import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import type { Optimizer } from './optimizer.js';
import { state, stateLike } from './optimizer.js';
import { Scratch } from './scratch.js';

/** Dimensions beyond which no preconditioner is kept (`max_precondition_dim`). */
const LARGEST = 10_000;

/** Sides of a matrix that have a preconditioner. */
const sides = ({ shape }: EngineTensor): readonly number[] =>
  shape.length > 1 ? shape.filter((size) => size <= LARGEST) : [];

/** Moments, and for each side the average of outer products and its eigenvectors, of which the order is turned round. */
function begin(engine: Engine, scratch: Scratch, parameter: EngineTensor): void {
  const { dtype } = parameter;
  stateLike(engine, parameter);
  stateLike(engine, parameter);
  for (const size of sides(parameter)) state(engine, [size, size], dtype);
  for (const size of sides(parameter)) scratch.bind('outer_product', [size, size], dtype);
  for (const size of sides(parameter)) {
    const square = [size, size];
    scratch.bind('eye', square, dtype);
    scratch.bind('scaled', square, dtype);
    scratch.drop('eye');
    scratch.bind('shifted', square, dtype);
    scratch.drop('scaled');
    scratch.add('eigenvalues', [size], dtype);
    scratch.bind('eigenvectors', square, dtype);
    scratch.drop('shifted');
    scratch.settle('eigenvalues');
    state(engine, square, dtype);
    scratch.drop('eigenvectors');
  }
  scratch.end();
}

/** `name = project(...)`: a product for each side that has a preconditioner; without any the value itself, a view. */
function project(scratch: Scratch, name: string, parameter: EngineTensor, from?: string): void {
  const products = sides(parameter).length;
  for (let i = 1; i < products; i++) scratch.bind(`partly_${name}`, parameter.shape, parameter.dtype);
  if (products > 1 && from) scratch.drop(from);
  if (products > 0) scratch.add(name, parameter.shape, parameter.dtype);
  if (products === 1 && from) scratch.drop(from);
  scratch.drop(`partly_${name}`);
  scratch.settle(name);
}

/** Adam's step with gradient and momentum turned into the eigenbasis, and the direction turned back. */
function step(scratch: Scratch, parameter: EngineTensor): void {
  const { shape, dtype } = parameter;
  project(scratch, 'grad_projected', parameter);
  scratch.pass('square', shape, dtype);
  scratch.bind('de_nom', shape, dtype);
  project(scratch, 'exp_avg_projected', parameter);
  if (sides(parameter).length === 0) scratch.bind('norm_grad', shape, dtype);
  else {
    scratch.bind('quotient', shape, dtype);
    project(scratch, 'norm_grad', parameter, 'quotient');
  }
  for (const size of sides(parameter)) scratch.bind('outer_product', [size, size], dtype);
  scratch.drop('outer_product');
}

/**
 * SOAP: Adam in the eigenbasis of Shampoo's preconditioners (the authors' code and pytorch-optimizer's). The first step
 * begins the averages and changes nothing.
 */
export function soap(): Optimizer {
  const begun = new Set<EngineTensor>();
  return {
    step: (engine, parameters) => {
      const scratch = new Scratch(engine);
      const stepped = parameters.filter((parameter) => begun.has(parameter));
      for (const parameter of parameters) {
        if (begun.has(parameter)) continue;
        begun.add(parameter);
        begin(engine, scratch, parameter);
      }
      for (const parameter of stepped) step(scratch, parameter);
      scratch.end();
    },
  };
}
