import { float32 } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import type { Optimizer } from './optimizer.js';
import { state } from './optimizer.js';

const TO_COPY = operation('to_copy');

/** Python locals of the loop over parameters: each holds its value until it is bound again. */
class Local {
  private value: EngineTensor | null = null;

  constructor(private readonly engine: Engine) {}

  bind(value: EngineTensor | null): void {
    if (value !== null) this.engine.hold(value);
    if (this.value !== null) this.engine.release(this.value);
    this.value = value;
  }
}

/**
 * Adafactor of transformers 4.57 (optimization.py) without first moment: row and column means per matrix, a full second
 * moment per vector, and fp32 copies of gradient, parameter and update, one parameter at a time.
 */
export function adafactor(): Optimizer {
  const rootMeanSquares = new Map<EngineTensor, EngineTensor>();
  return {
    step: (engine, parameters) => {
      const locals = { gradient: new Local(engine), parameter: new Local(engine), update: new Local(engine) };
      for (const parameter of parameters) update(engine, parameter, locals, rootMeanSquares);
      for (const local of Object.values(locals)) local.bind(null);
    },
  };
}

type Locals = Record<'gradient' | 'parameter' | 'update', Local>;

const rowShape = (shape: Shape): Shape => shape.slice(0, -1);
const columnShape = (shape: Shape): Shape => [...shape.slice(0, -2), ...shape.slice(-1)];

function update(engine: Engine, parameter: EngineTensor, locals: Locals, known: Map<EngineTensor, EngineTensor>): void {
  const { shape, dtype } = parameter;
  const casts = dtype !== float32;
  locals.gradient.bind(null);
  if (casts) locals.gradient.bind(engine.empty(shape, float32, TO_COPY));
  const before = known.get(parameter);
  if (before === undefined) beginStates(engine, shape);
  locals.parameter.bind(null);
  if (casts) locals.parameter.bind(engine.empty(shape, float32, TO_COPY));
  known.set(parameter, rootMeanSquare(engine));
  if (before !== undefined) engine.release(before);
  secondMoment(engine, shape, locals.update);
  engine.release(engine.hold(engine.empty(shape, float32, operation('neg'))));
}

function beginStates(engine: Engine, shape: Shape): void {
  if (shape.length < 2) state(engine, shape, float32);
  else for (const part of [rowShape(shape), columnShape(shape)]) state(engine, part, float32, TO_COPY);
}

/** The norm divided by the root of the count; kept as a state of the parameter. */
function rootMeanSquare(engine: Engine): EngineTensor {
  const norm = engine.hold(engine.empty([], float32, operation('linalg_vector_norm')));
  const result = state(engine, [], float32, operation('div'));
  engine.release(norm);
  return result;
}

/** The squared gradient, its means, and the update made of them, scaled by its own root mean square. */
function secondMoment(engine: Engine, shape: Shape, update: Local): void {
  const temporary = (size: Shape, name: string): EngineTensor =>
    engine.hold(engine.empty(size, float32, operation(name)));
  const squared = temporary(shape, 'pow');
  update.bind(engine.empty(shape, float32, operation('add')));
  engine.release(squared);
  if (shape.length < 2) update.bind(engine.empty(shape, float32, operation('rsqrt')));
  else {
    for (const part of [rowShape(shape), columnShape(shape)]) engine.release(temporary(part, 'mean'));
    const mean = temporary([...shape.slice(0, -2), 1], 'mean');
    const rows = temporary(rowShape(shape), 'div');
    engine.release(mean);
    const columns = temporary(columnShape(shape), 'rsqrt');
    const product = engine.hold(engine.empty(shape, float32, operation('mul')));
    for (const tensor of [rows, columns]) engine.release(tensor);
    update.bind(product);
    engine.release(product);
  }
  const norm = temporary([], 'linalg_vector_norm');
  const quotient = temporary([], 'div');
  engine.release(norm);
  const threshold = temporary([], 'div');
  for (const tensor of [quotient, threshold]) engine.release(tensor);
}
