import type { EngineTensor, Formula, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

/** An operation on one tensor: what autograd keeps and, in `formula`, what its backward allocates. */
export interface Unary {
  readonly operation: number;
  readonly saves: 'input' | 'result' | 'nothing';
  /** On autocast's fp32 list (aten/src/ATen/autocast_mode.h). */
  readonly autocastToFloat32: boolean;
  readonly formula: Formula;
  /** Written in place, its backward needs only the result; `formerly`: up to torch 1.9. */
  readonly savesResultInPlace?: boolean | 'formerly';
}

/** A backward that allocates one tensor like the gradient. */
function plain(
  name: string,
  saves: Unary['saves'],
  autocastToFloat32 = false,
  backwardName = `${name}_backward`,
): Unary {
  const backward = operation(backwardName);
  const formula: Formula = {
    operation: operation(name),
    apply: (workspace, node) => [workspace.emptyLike(node.gradient, backward)],
  };
  return { operation: operation(name), saves, autocastToFloat32, formula };
}

/** A backward that multiplies the gradient by a function of what was saved, that function being a temporary. */
function product(name: string, saves: Unary['saves'], temporaries: readonly string[], autocast = false): Unary {
  const numbers = temporaries.map(operation);
  const formula: Formula = {
    operation: operation(name),
    apply: (workspace, node) => [evaluate(workspace, node.gradient, numbers)],
  };
  return { operation: operation(name), saves, autocastToFloat32: autocast, formula };
}

function evaluate(workspace: Workspace, gradient: EngineTensor, temporaries: readonly number[]): EngineTensor {
  const values = temporaries.map((number) => workspace.emptyLike(gradient, number));
  const result = workspace.emptyLike(gradient, operation('mul'));
  for (const value of values) workspace.consume(value);
  return result;
}

/** In rows, or channels last where images are (`empty_like(grad, grad.suggest_memory_format())`, Dropout.cu). */
const DROPOUT_FORMULA: Formula = {
  operation: operation('native_dropout'),
  apply: (workspace, { gradient }) => {
    const channelsLast = gradient.shape.length === 4 && gradient.strides?.[1] === 1;
    const strides = channelsLast ? gradient.strides : null;
    return [workspace.empty(gradient.shape, gradient.dtype, operation('native_dropout_backward'), strides)];
  },
};

const PASS: Formula = { operation: operation('add'), apply: (_, node) => [node.gradient] };

/** Formulas: tools/autograd/derivatives.yaml of PyTorch 2.9. */
export const UNARY = {
  addScalar: { operation: operation('add'), saves: 'nothing', autocastToFloat32: false, formula: PASS },
  mulScalar: plain('mul', 'nothing', false, 'mul'),
  divScalar: plain('div', 'nothing', false, 'div'),
  neg: plain('neg', 'nothing', false, 'neg'),
  /** -0.5 * grad * result.pow(3) */
  rsqrt: product('rsqrt', 'result', ['pow', 'mul'], true),
  /** grad / (2 * result) */
  sqrt: product('sqrt', 'result', ['mul']),
  exp: plain('exp', 'result', true, 'mul'),
  log: plain('log', 'input', true, 'div'),
  cos: product('cos', 'input', ['sin', 'neg']),
  sin: product('sin', 'input', ['cos']),
  /** grad / (self * self + 1) */
  atan: product('atan', 'input', ['mul', 'add']),
  tanh: plain('tanh', 'result'),
  sigmoid: plain('sigmoid', 'result'),
  gelu: plain('gelu', 'input'),
  silu: plain('silu', 'input'),
  relu: plain('relu', 'result', false, 'threshold_backward'),
  relu6: { ...plain('hardtanh', 'input'), savesResultInPlace: 'formerly' },
  hardswish: plain('hardswish', 'input'),
  hardsigmoid: plain('hardsigmoid', 'input'),
  dropout: { ...plain('native_dropout', 'nothing'), formula: DROPOUT_FORMULA },
  hardtanh: { ...plain('hardtanh', 'input'), savesResultInPlace: 'formerly' },
  leaky_relu: { ...plain('leaky_relu', 'input'), savesResultInPlace: true },
  elu: { ...plain('elu', 'input'), savesResultInPlace: true },
  celu: { ...plain('celu', 'input'), savesResultInPlace: true },
  selu: { ...plain('elu', 'input'), savesResultInPlace: true },
  mish: plain('mish', 'input'),
  softplus: plain('softplus', 'input', true),
  log_sigmoid: plain('log_sigmoid', 'input'),
  /** where(self >= min && self <= max, grad, 0), and the conditions */
  clamp: plain('clamp', 'input', false, 'where'),
  /** grad * self.sgn() */
  abs: product('abs', 'input', ['sgn']),
  /** 2 / sqrt(pi) * exp(-(self.pow(2))) * grad */
  erf: product('erf', 'input', ['pow', 'neg', 'exp', 'mul']),
  /** grad / (self + 1) */
  log1p: product('log1p', 'input', ['add'], true),
  /** grad * (result + 1) */
  expm1: product('expm1', 'result', ['add'], true),
  /** -grad * (result * result) */
  reciprocal: product('reciprocal', 'result', ['neg', 'mul'], true),
  /** grad / (self * log(2)) */
  log2: product('log2', 'input', ['mul'], true),
  /** `pow(2)` by another name */
  square: product('pow', 'input', ['pow', 'mul'], true),
  /** zeros */
  floor: plain('floor', 'nothing', false, 'zeros_like'),
} satisfies Record<string, Unary>;
