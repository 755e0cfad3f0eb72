import type { DType } from '../../model/dtype.js';
import { bool, promote } from '../../model/dtype.js';
import type { ElementwiseOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Gradients, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { broadcastShape, elementwiseStrides } from '../autograd/strides.js';
import { consumeCast, lowered, loweredAnew, raised, toType } from '../precision/autocast.js';
import { swiglu } from './fused-losses.js';
import { recomputedGelu } from './recomputed-gelu.js';
import type { Unary } from './unary.js';
import { UNARY } from './unary.js';

const ADD = operation('add');
const SUB = operation('sub');
const MUL = operation('mul');
const DIV = operation('div');
const POW = operation('pow');
const WHERE = operation('where');
const MASKED_FILL = operation('masked_fill');
const CLONE = operation('clone');

/** Type of a result; a tensor without dimensions does not raise one with dimensions (c10 result_type). */
function resultType(a: EngineTensor, b: EngineTensor): DType {
  if (a.dtype.floating === b.dtype.floating) {
    if (a.shape.length === 0 && b.shape.length > 0) return b.dtype;
    if (b.shape.length === 0 && a.shape.length > 0) return a.dtype;
  }
  return promote(a.dtype, b.dtype);
}

export function binaryResult(workspace: Workspace, a: EngineTensor, b: EngineTensor, name: number): EngineTensor {
  const shape = broadcastShape(a.shape, b.shape);
  const strides = a.strides === null && b.strides === null ? null : elementwiseStrides(shape, [a, b]);
  return workspace.empty(shape, resultType(a, b), name, strides);
}

/** Passes the gradient to both sides as it is; validation sums and casts. */
const ADD_FORMULA: Formula = { operation: ADD, apply: (_, node) => both(node, node.gradient, node.gradient) };

const both = (node: Node, a: EngineTensor | null, b: EngineTensor | null): Gradients => [
  node.needs(0) ? a : null,
  node.needs(1) ? b : null,
];

export const SUB_FORMULA: Formula = {
  operation: SUB,
  apply: (workspace, node) => [
    node.needs(0) ? node.gradient : null,
    node.needs(1) ? workspace.emptyLike(node.gradient, operation('neg')) : null,
  ],
};

/** The second operand's gradient is computed first; an operand is saved only if the other one needs a gradient. */
export const MUL_FORMULA: Formula = {
  operation: MUL,
  apply: (workspace, node) => {
    const first = node.needs(1) ? node.saved[0]! : null;
    const second = node.needs(0) ? node.saved[node.saved.length - 1]! : null;
    const gradientOfSecond = first && binaryResult(workspace, node.gradient, first, MUL);
    const gradientOfFirst = second && binaryResult(workspace, node.gradient, second, MUL);
    return [gradientOfFirst, gradientOfSecond];
  },
};

/** grad * angles.conj(), which is copied, since the kernel takes no conjugate. */
const MUL_COMPLEX_FORMULA: Formula = {
  operation: MUL,
  apply: (workspace, node) => {
    const conjugate = workspace.emptyLike(node.saved[0]!, CLONE);
    const result = binaryResult(workspace, node.gradient, conjugate, MUL);
    workspace.consume(conjugate);
    return [result];
  },
};

/** The gradient as complex numbers needs rows (`view_as_complex(grad.contiguous())`). */
const VIEW_AS_REAL_FORMULA: Formula = {
  operation: CLONE,
  apply: (workspace, { gradient }) => [
    gradient.strides === null ? gradient : workspace.empty(gradient.shape, gradient.dtype, CLONE),
  ],
};

/** The same as of a product, over a clone of the part, written into a copy of the whole. */
const MUL_THROUGH_VIEW_FORMULA: Formula = {
  operation: MUL,
  apply: (workspace, node) => {
    const [before, factor] = node.saved as [EngineTensor, EngineTensor];
    const whole = workspace.emptyLike(node.gradient, operation('new_empty_strided'));
    const part = workspace.emptyLike(node.gradient, CLONE);
    const gradientOfFactor = binaryResult(workspace, node.gradient, before, MUL);
    const product = binaryResult(workspace, node.gradient, factor, MUL);
    workspace.consume(part);
    workspace.consume(product);
    return [whole, gradientOfFactor];
  },
};

/** The same of a number. */
const SCALE_THROUGH_VIEW_FORMULA: Formula = {
  operation: MUL,
  apply: (workspace, { gradient }) => {
    const whole = workspace.emptyLike(gradient, operation('new_empty_strided'));
    const part = workspace.emptyLike(gradient, CLONE);
    workspace.consume(workspace.emptyLike(gradient, DIV));
    workspace.consume(part);
    return [whole];
  },
};

/** grad / other; and for the divisor -grad * ((self / other) / other), the right side first. */
const DIV_FORMULA: Formula = {
  operation: DIV,
  apply: (workspace, node) => {
    const divisor = node.saved[0]!;
    const gradientOfSecond = node.needs(1) ? divisorGradient(workspace, node, divisor) : null;
    return [node.needs(0) ? binaryResult(workspace, node.gradient, divisor, DIV) : null, gradientOfSecond];
  },
};

function divisorGradient(workspace: Workspace, node: Node, divisor: EngineTensor): EngineTensor {
  const quotient = binaryResult(workspace, node.saved[1]!, divisor, DIV);
  const again = binaryResult(workspace, quotient, divisor, DIV);
  const negative = workspace.emptyLike(node.gradient, operation('neg'));
  const result = binaryResult(workspace, negative, again, MUL);
  for (const temporary of [again, quotient, negative]) workspace.consume(temporary);
  return result;
}

/** grad * (exponent * self.pow(exponent - 1)): two temporaries until the expression ends. */
const POW_FORMULA: Formula = {
  operation: POW,
  apply: (workspace, node) => {
    const x = node.saved[0]!;
    const power = workspace.emptyLike(x, POW);
    const scaled = workspace.emptyLike(power, MUL);
    const result = binaryResult(workspace, node.gradient, scaled, MUL);
    workspace.consume(scaled);
    workspace.consume(power);
    return [result];
  },
};

/** where(condition, grad, 0) for each side that needs it; the zero has no dimensions. */
const WHERE_FORMULA: Formula = {
  operation: WHERE,
  apply: (workspace, node) => [0, 1].map((side) => (node.needs(side) ? whereGradient(workspace, node.gradient) : null)),
};

function whereGradient(workspace: Workspace, gradient: EngineTensor): EngineTensor {
  const zero = workspace.empty([], gradient.dtype, operation('zeros'));
  const result = workspace.emptyLike(gradient, WHERE);
  workspace.consume(zero);
  return result;
}

const MASKED_FILL_FORMULA: Formula = {
  operation: MASKED_FILL,
  apply: (workspace, node) => [workspace.emptyLike(node.gradient, MASKED_FILL)],
};

/** where((self >= min).logical_and_(self <= max), grad, 0), or with one of the two conditions. */
const clampFormula = (conditions: readonly string[]): Formula => ({
  operation: operation('clamp'),
  apply: (workspace, { gradient }) => {
    const zero = workspace.empty([], gradient.dtype, operation('zeros'));
    const masks = conditions.map((name) => workspace.empty(gradient.shape, bool, operation(name)));
    const result = workspace.emptyLike(gradient, WHERE);
    for (const temporary of [zero, ...masks]) workspace.consume(temporary);
    return [result];
  },
});
const CLAMP_FORMULA = clampFormula(['ge', 'le']);
const CLAMP_ABOVE_FORMULA = clampFormula(['le']);

/** Over a view, autograd writes the gradient of the part into a copy of the whole (CopySlices). */
const DROPOUT_IN_PLACE_FORMULA: Formula = {
  operation: MUL,
  apply: (workspace, node) => [node.attribute === 1 ? copySlices(workspace, node) : noiseProduct(workspace, node)],
};

const noiseProduct = (workspace: Workspace, node: Node): EngineTensor =>
  binaryResult(workspace, node.gradient, node.saved[0]!, MUL);

function copySlices(workspace: Workspace, node: Node): EngineTensor {
  const whole = workspace.emptyLike(node.gradient, operation('new_empty_strided'));
  const part = workspace.emptyLike(node.gradient, CLONE);
  const product = noiseProduct(workspace, node);
  workspace.consume(part);
  workspace.consume(product);
  return whole;
}

export function unary(engine: Engine, x: EngineTensor, kind: Unary): EngineTensor {
  const source = kind.autocastToFloat32 ? raised(engine, x) : x;
  const node = engine.record(kind.formula, [source]);
  if (kind.saves === 'input') engine.save(node, source);
  const out = engine.emptyLike(source, kind.operation);
  if (kind.saves === 'result') engine.save(node, out);
  engine.attach(out, node);
  consumeCast(engine, x, source);
  return out;
}

/** An operation that writes over its input: a new value on the same storage. */
export function inPlace(engine: Engine, x: EngineTensor, node: ReturnType<Engine['record']>): EngineTensor {
  const out = engine.viewOf(x, x.shape, x.strides);
  out.isView = x.isView;
  engine.attach(out, node);
  engine.consume(x);
  return out;
}

export function add(engine: Engine, a: EngineTensor, b: EngineTensor): EngineTensor {
  const node = engine.record(ADD_FORMULA, [a, b]);
  const out = engine.attach(binaryResult(engine, a, b, ADD), node);
  consumePair(engine, a, b);
  return out;
}

export function consumePair(engine: Engine, a: EngineTensor, b: EngineTensor): void {
  engine.consume(a);
  if (b !== a) engine.consume(b);
}

export function mul(engine: Engine, a: EngineTensor, b: EngineTensor): EngineTensor {
  const node = engine.record(MUL_FORMULA, [a, b]);
  if (node !== null && (engine.habits.productsKeepBoth || node.needs(1))) engine.save(node, a);
  if (node !== null && (engine.habits.productsKeepBoth || node.needs(0))) engine.save(node, b);
  const out = engine.attach(binaryResult(engine, a, b, MUL), node);
  consumePair(engine, a, b);
  return out;
}

function div(engine: Engine, a: EngineTensor, b: EngineTensor): EngineTensor {
  const node = engine.record(DIV_FORMULA, [a, b]);
  engine.save(node, b);
  if (node !== null && (engine.habits.productsKeepBoth || node.needs(1))) engine.save(node, a);
  const out = engine.attach(binaryResult(engine, a, b, DIV), node);
  consumePair(engine, a, b);
  return out;
}

export function pow(engine: Engine, x: EngineTensor): EngineTensor {
  const source = raised(engine, x);
  const node = engine.record(POW_FORMULA, [source]);
  engine.save(node, source);
  const out = engine.attach(engine.emptyLike(source, POW), node);
  consumeCast(engine, x, source);
  return out;
}

function where(engine: Engine, condition: EngineTensor, x: EngineTensor, other: EngineTensor): EngineTensor {
  const node = engine.record(WHERE_FORMULA, [x, other]);
  engine.save(node, condition);
  const shape = broadcastShape(broadcastShape(condition.shape, x.shape), other.shape);
  const out = engine.empty(shape, resultType(x, other), WHERE, elementwiseStrides(shape, [condition, x, other]));
  engine.attach(out, node);
  engine.consume(condition);
  consumePair(engine, x, other);
  return out;
}

function maskedFill(engine: Engine, x: EngineTensor, mask: EngineTensor): EngineTensor {
  const node = engine.record(MASKED_FILL_FORMULA, [x]);
  engine.save(node, mask);
  const out = engine.attach(binaryResult(engine, x, mask, MASKED_FILL), node);
  consumePair(engine, x, mask);
  return out;
}

function clamp(engine: Engine, x: EngineTensor, sides: 'both' | 'above'): EngineTensor {
  const formula = sides === 'both' ? CLAMP_FORMULA : CLAMP_ABOVE_FORMULA;
  const node = engine.record(formula, [x]);
  engine.save(node, x);
  const out = engine.attach(engine.emptyLike(x, formula.operation), node);
  engine.consume(x);
  return out;
}

/** Keeps a clone of a tensor that is about to be written over. */
export function saveClone(engine: Engine, node: Node | null, x: EngineTensor): void {
  if (node === null) return;
  const clone = engine.emptyLike(x, CLONE);
  engine.save(node, clone);
  engine.consume(clone);
}

/** In place, an operation whose backward needs its input keeps a clone of it. */
export function unaryInPlace(engine: Engine, x: EngineTensor, kind: Unary): EngineTensor {
  const node = engine.record(kind.formula, [x]);
  const mayKeepResult =
    kind.savesResultInPlace === true || (engine.habits.clampsKeepResults && kind.savesResultInPlace === 'formerly');
  const savesResult = kind.saves === 'result' || mayKeepResult;
  if (kind.saves === 'input' && !savesResult) saveClone(engine, node, x);
  const out = inPlace(engine, x, node);
  if (savesResult) engine.save(node, out);
  return out;
}

function dropoutInPlace(engine: Engine, x: EngineTensor, probability: number): EngineTensor {
  if (probability === 0) return x;
  const node = engine.record(DROPOUT_IN_PLACE_FORMULA, [x]);
  const noise = engine.emptyLike(x, operation('empty_like'));
  engine.save(node, noise);
  if (node !== null) node.attribute = x.isView ? 1 : 0;
  const out = inPlace(engine, x, node);
  engine.consume(noise);
  return out;
}

function mulComplex(engine: Engine, x: EngineTensor, angles: EngineTensor): EngineTensor {
  const node = engine.record(MUL_COMPLEX_FORMULA, [x]);
  engine.save(node, angles);
  const product = engine.attach(binaryResult(engine, x, angles, MUL), node);
  consumePair(engine, x, angles);
  return inPlace(engine, product, engine.record(VIEW_AS_REAL_FORMULA, [product]));
}

function mulThroughView(engine: Engine, x: EngineTensor, y: EngineTensor): EngineTensor {
  const node = engine.record(MUL_THROUGH_VIEW_FORMULA, [x, y]);
  saveClone(engine, node, x);
  engine.save(node, y);
  const out = inPlace(engine, x, node);
  engine.consume(y);
  return out;
}

export function addInPlace(engine: Engine, x: EngineTensor, y: EngineTensor): EngineTensor {
  const node = engine.record(ADD_FORMULA, [x, y]);
  const out = inPlace(engine, x, node);
  engine.consume(y);
  return out;
}

function divInPlace(engine: Engine, x: EngineTensor, divisor: EngineTensor): EngineTensor {
  const node = engine.record(DIV_FORMULA, [x, divisor]);
  engine.save(node, divisor);
  if (node?.needs(1)) saveClone(engine, node, x);
  const out = inPlace(engine, x, node);
  engine.consume(divisor);
  return out;
}

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

/** `native_dropout`: keeps a mask of one byte per element. Nothing happens at probability 0. */
export function dropout(engine: Engine, x: EngineTensor, probability: number): EngineTensor {
  if (probability === 0) return x;
  const { dropout: kind } = UNARY;
  const node = engine.record(kind.formula, [x]);
  const out = engine.emptyLike(x, kind.operation);
  const mask = engine.empty(x.shape, bool, kind.operation, out.strides);
  engine.save(node, mask);
  engine.attach(out, node);
  engine.consume(mask);
  engine.consume(x);
  return out;
}

/** `x.to(dtype)`, using up a floating input. */
export function to(engine: Engine, x: EngineTensor, dtype: DType): EngineTensor {
  const out = toType(engine, x, dtype);
  if (out !== x) engine.consume(x);
  return out;
}

export function elementwiseOperations(engine: Engine): ElementwiseOperations {
  const apply = (kind: Unary) => (x: Tensor) => unary(engine, own(x), kind);
  return {
    add: (a, b) => add(engine, own(a), own(b)),
    sub: (a, b) => {
      const node = engine.record(SUB_FORMULA, [own(a), own(b)]);
      const out = engine.attach(binaryResult(engine, own(a), own(b), SUB), node);
      consumePair(engine, own(a), own(b));
      return out;
    },
    mul: (a, b) => mul(engine, own(a), own(b)),
    div: (a, b) => div(engine, own(a), own(b)),
    addScalar: apply(UNARY.addScalar),
    mulScalar: apply(UNARY.mulScalar),
    mulScalarInPlace: (x) => inPlace(engine, own(x), engine.record(UNARY.mulScalar.formula, [own(x)])),
    neg: apply(UNARY.neg),
    pow: (x) => pow(engine, own(x)),
    rsqrt: apply(UNARY.rsqrt),
    sqrt: apply(UNARY.sqrt),
    exp: apply(UNARY.exp),
    log: apply(UNARY.log),
    cos: apply(UNARY.cos),
    sin: apply(UNARY.sin),
    tanh: apply(UNARY.tanh),
    sigmoid: apply(UNARY.sigmoid),
    gelu: apply(UNARY.gelu),
    geluRecomputed: (x) => recomputedGelu(engine, own(x)),
    silu: apply(UNARY.silu),
    swiglu: (gate, up) => swiglu(engine, own(gate), own(up)),
    relu: apply(UNARY.relu),
    siluInPlace: (x) => unaryInPlace(engine, own(x), UNARY.silu),
    relu6InPlace: (x) => unaryInPlace(engine, own(x), UNARY.relu6),
    hardswish: apply(UNARY.hardswish),
    hardswishInPlace: (x) => unaryInPlace(engine, own(x), UNARY.hardswish),
    hardsigmoid: apply(UNARY.hardsigmoid),
    mulComplex: (x, angles) => mulComplex(engine, own(x), own(angles)),
    mulScalarThroughView: (x) => inPlace(engine, own(x), engine.record(SCALE_THROUGH_VIEW_FORMULA, [own(x)])),
    mulThroughView: (x, y) => mulThroughView(engine, own(x), own(y)),
    clamp: (x, sides = 'both') => clamp(engine, own(x), sides),
    reluInPlace: (x) => unaryInPlace(engine, own(x), UNARY.relu),
    divInPlace: (x, divisor) => divInPlace(engine, own(x), own(divisor)),
    addInPlace: (x, y) => addInPlace(engine, own(x), own(y)),
    dropout: (x, probability) => dropout(engine, own(x), probability),
    dropoutInPlace: (x, probability) => dropoutInPlace(engine, own(x), probability),
    to: (x, dtype) => to(engine, own(x), dtype),
    lowered: (x) => lowered(engine, own(x)),
    toAutocast: (x) => loweredAnew(engine, own(x)),
    where: (condition, x, other) => where(engine, own(condition), own(x), own(other)),
    maskedFill: (x, mask) => maskedFill(engine, own(x), own(mask)),
    maskedFillInPlace: (x, mask) => {
      const node = engine.record(MASKED_FILL_FORMULA, [own(x)]);
      engine.save(node, own(mask));
      const out = inPlace(engine, own(x), node);
      engine.consume(own(mask));
      return out;
    },
    derive: (name, inputs, shape, dtype) => {
      const out = engine.empty(shape, dtype, operation(name));
      for (const input of inputs) engine.consume(own(input));
      return out;
    },
  };
}
