import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { DType } from '../../model/dtype.js';
import type { Optimizer } from './optimizer.js';
import { foreachTemporaries, groupsByType, releaseAll, stateLike } from './optimizer.js';

/**
 * How long a temporary lives: a number of further temporaries until it dies (0: at once), `before-next` until just before
 * the next one, `local` as a name of the loop or function (until its end, or until the next parameter's value is bound to
 * it), `reset` as a name that the loop's head binds anew (so it dies before the next parameter's value is made).
 */
export type Lifetime = number | 'before-next' | 'local' | 'reset';

/** A result of an optimizer's arithmetic, as large as the parameter: [operation, lifetime]. */
export type Temporary = readonly [string, Lifetime];

/** An optimizer that works element by element: states of the parameter's shape, and what its arithmetic makes. */
export interface ElementwiseRule {
  /** Operations that make the states of a parameter, in order. */
  states: readonly string[];
  /** Whether the states are made with the optimizer rather than in the first step. */
  early?: boolean;
  /** Type of the states; the parameter's where left out. */
  stateType?: DType;
  /** Over all parameters of a type at once. */
  foreach?: readonly Temporary[];
  /** Over one parameter at a time. */
  single?: readonly Temporary[];
}

/** Runs a rule as `foreach`, as a loop, or, where it has neither, in a fused kernel without temporaries. */
export function elementwise(rule: ElementwiseRule, way: 'foreach' | 'single' | 'fused'): Optimizer {
  const begun = new Set<EngineTensor>();
  const begin = (engine: Engine, parameters: readonly EngineTensor[]): void => {
    for (const parameter of parameters) {
      if (begun.has(parameter)) continue;
      begun.add(parameter);
      for (const name of rule.states) stateLike(engine, parameter, operation(name), rule.stateType);
    }
  };
  return {
    ...(rule.early ? { begin } : {}),
    step: (engine, parameters) => {
      begin(engine, parameters);
      if (way === 'foreach') for (const group of groupsByType(parameters)) atOnce(engine, group, rule.foreach ?? []);
      if (way === 'single') oneByOne(engine, parameters, rule.single ?? []);
    },
  };
}

/** Lists of temporaries, each as long as the group; locals end with the function. */
function atOnce(engine: Engine, group: readonly EngineTensor[], temporaries: readonly Temporary[]): void {
  const locals: EngineTensor[][] = [];
  let ending: EngineTensor[] = [];
  for (const [name, lifetime] of temporaries) {
    releaseAll(engine, ending);
    const list = foreachTemporaries(engine, group, operation(`foreach_${name}`));
    ending = lifetime === 'before-next' ? list : [];
    if (lifetime !== 'before-next') locals.push(list);
  }
  releaseAll(engine, ending);
  for (const list of locals) releaseAll(engine, list);
}

/** The values of a loop's names, by their place among the temporaries. */
type Names = (EngineTensor | null)[];

function oneByOne(engine: Engine, parameters: readonly EngineTensor[], temporaries: readonly Temporary[]): void {
  const names: Names = temporaries.map(() => null);
  for (const parameter of parameters) {
    temporaries.forEach(([, lifetime], place) => {
      if (lifetime === 'reset') bind(engine, names, place, null);
    });
    single(engine, parameter, temporaries, names);
  }
  temporaries.forEach((_, place) => bind(engine, names, place, null));
}

function single(engine: Engine, parameter: EngineTensor, temporaries: readonly Temporary[], names: Names): void {
  let passing: { tensor: EngineTensor; last: number }[] = [];
  temporaries.forEach(([name, lifetime], place) => {
    const tensor = engine.hold(engine.emptyLike(parameter, operation(name)));
    if (typeof lifetime === 'number') passing.push({ tensor, last: place + lifetime });
    else bind(engine, names, place, tensor);
    for (const ended of passing) if (ended.last <= place) engine.release(ended.tensor);
    passing = passing.filter(({ last }) => last > place);
  });
}

/** A name's old value dies once it has a new one. */
function bind(engine: Engine, names: Names, place: number, value: EngineTensor | null): void {
  const old = names[place];
  names[place] = value;
  if (old) engine.release(old);
}
