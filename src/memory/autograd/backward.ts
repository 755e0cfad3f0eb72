import type { Shape } from '../../model/module-tree.js';
import type { Engine } from './engine.js';
import type { EngineTensor, Gradients, Node } from './graph.js';
import { materialise, readByNode } from './fusion.js';
import { operation } from './operation-names.js';
import { contiguousStrides, isDense, sameShape, viewStrides } from './strides.js';

const SUM = operation('sum');
const TO_COPY = operation('to_copy');
const ADD = operation('add');
const CLONE = operation('clone');

/** The loss depends on no parameter that is trained: PyTorch raises an error, too. */
export class NothingTrained extends Error {
  override readonly name = 'NothingTrained';

  constructor() {
    super('the loss depends on no parameter that is trained');
  }
}

/**
 * Runs the graph behind `root` backward, as torch's engine does on one thread: nodes by falling sequence number, leaves
 * as soon as all their gradients are there (torch/csrc/autograd/engine.cpp). `gradient` is held until the end.
 */
export function runBackward(engine: Engine, root: EngineTensor, gradient: EngineTensor): void {
  if (root.gradFn === null) throw new NothingTrained();
  const { tape } = engine;
  engine.tape = [];
  const begin = tape.lastIndexOf(root.gradFn);
  markReachable(tape, begin);
  const gradEnabled = engine.gradEnabled;
  engine.gradEnabled = false;
  engine.hold(gradient);
  accept(engine, root.gradFn, root.outputIndex, engine.hold(gradient));
  let layer = -1;
  for (let i = begin; i >= 0; i--) {
    const node = tape[i]!;
    if (!node.reached) continue;
    node.reached = false;
    if (node.layer !== layer) {
      layer = node.layer;
      engine.enterLayer?.(layer);
    }
    if (node.buffer.length > 0) runNode(engine, node);
    else passOver(engine, node);
  }
  if (layer >= 0) engine.enterLayer?.(-1);
  engine.gradEnabled = gradEnabled;
  engine.release(gradient);
}

/** Marks what the root depends on and counts, for each leaf, the gradients that will come. */
function markReachable(tape: readonly Node[], begin: number): void {
  tape[begin]!.reached = true;
  for (let i = begin; i >= 0; i--) {
    const node = tape[i]!;
    if (!node.reached) continue;
    for (const next of node.next) {
      if (next === null) continue;
      if (next.variable === null) next.reached = true;
      else next.dependencies++;
    }
  }
}

/**
 * One step of the engine: unpack, the formula, recomputed tensors die, validation, incoming gradients and saved
 * tensors die, results reach the next nodes.
 */
function runNode(engine: Engine, node: Node): void {
  node.formula.prepare?.(engine, node);
  const recomputed = unpack(node);
  const { fusing } = engine;
  engine.fusing = node.compiled;
  if (engine.hasFused || node.compiled) engine.read = readByNode(engine, node);
  const gradients = node.formula.apply(engine, node);
  if (recomputed) for (const slot of node.slots!) node.hook!.release(slot);
  const valid = validate(engine, node, gradients);
  for (const incoming of node.buffer) if (incoming) engine.release(incoming);
  node.emptyBuffer();
  engine.releaseSaved(node);
  deliver(engine, node, valid);
  engine.fusing = fusing;
}

/** A node that no gradient reaches, as behind a function that gives none: it lets go of what it saved, and passes none on. */
function passOver(engine: Engine, node: Node): void {
  engine.releaseSaved(node);
  for (let input = 0; input < node.next.length; input++) deliverOne(engine, node, input, null);
}

function unpack(node: Node): boolean {
  if (node.slots === null) return false;
  const { hook, slots } = node;
  node.saved = slots.map((slot) => hook!.unpack(slot));
  return true;
}

/** Sums what was broadcast and casts what was promoted; the result is held once for each input. */
function validate(engine: Engine, node: Node, gradients: Gradients): Gradients {
  return gradients.map((gradient, i) => {
    const next = node.next[i];
    if (gradient && next) return fit(engine, gradient, next.outputs[node.outputNumbers[i]!]!);
    if (gradient) engine.consume(gradient);
    return null;
  });
}

function fit(engine: Engine, gradient: EngineTensor, meta: EngineTensor): EngineTensor {
  let result = engine.hold(gradient);
  if (engine.fusing) engine.read = [result.storage];
  if (!sameShape(result.shape, meta.shape)) result = replace(engine, result, sumTo(engine, result, meta.shape));
  if (engine.fusing) engine.read = [result.storage];
  if (result.dtype !== meta.dtype) result = replace(engine, result, engine.emptyLike(result, TO_COPY, meta.dtype));
  return result;
}

function replace(engine: Engine, old: EngineTensor, value: EngineTensor): EngineTensor {
  engine.hold(value);
  engine.release(old);
  return value;
}

/** `at::sum_to`: the sum over broadcast dimensions, viewed without the leading ones. */
export function sumTo(engine: Engine, tensor: EngineTensor, shape: Shape): EngineTensor {
  const sum = engine.empty(shape, tensor.dtype, SUM);
  sum.isView = shape.length < tensor.shape.length;
  return sum;
}

/**
 * The list of results ends once all are delivered: those that are added to others live until then. Where an order is given,
 * what is one node here is several in torch, each with a list of its own.
 */
function deliver(engine: Engine, node: Node, gradients: Gradients): void {
  const { delivery } = node.formula;
  let added: EngineTensor[] | null = null;
  for (let i = 0; i < gradients.length; i++) {
    const input = delivery === undefined ? i : delivery[i]!;
    const gradient = gradients[input] ?? null;
    if (gradient !== null && delivery === undefined && meetsAnother(node, input)) {
      added ??= [];
      added.push(engine.hold(gradient));
    }
    deliverOne(engine, node, input, gradient);
  }
  if (added !== null) for (const gradient of added) engine.release(gradient);
}

function deliverOne(engine: Engine, node: Node, input: number, gradient: EngineTensor | null): void {
  const next = node.next[input];
  if (!next) return;
  if (next.variable !== null) deliverToLeaf(engine, next, gradient);
  else if (gradient !== null) accept(engine, next, node.outputNumbers[input]!, gradient);
}

/** Whether a gradient has come already where that of an input goes. */
function meetsAnother(node: Node, input: number): boolean {
  const next = node.next[input];
  return !!next && !!next.buffer[next.variable === null ? node.outputNumbers[input]! : 0];
}

/** Takes over a held gradient into a node's buffer, adding it to one that is already there. */
function accept(engine: Engine, node: Node, output: number, gradient: EngineTensor): void {
  const present = node.buffer[output];
  const total = present ? addGradients(engine, present, gradient) : gradient;
  node.buffer = node.outputs.length === 1 ? [total] : withEntry(node.buffer, output, total);
}

/** The gradients that have come so far, up to at least `output`, with one replaced. */
function withEntry(buffer: Gradients, output: number, gradient: EngineTensor): Gradients {
  const length = Math.max(buffer.length, output + 1);
  return Array.from({ length }, (_, i) => (i === output ? gradient : (buffer[i] ?? null)));
}

function addGradients(engine: Engine, present: EngineTensor, gradient: EngineTensor): EngineTensor {
  if (engine.fusing) engine.read = [present.storage, gradient.storage];
  if (!engine.fusing && engine.gradientAddition === 'in-place' && canAddInPlace(present)) {
    engine.release(gradient);
    return present;
  }
  const sum = engine.hold(engine.emptyLike(present, ADD));
  engine.release(present);
  engine.release(gradient);
  return sum;
}

/** torch/csrc/autograd/input_buffer.cpp: dense, and neither tensor nor storage has another holder. */
function canAddInPlace(tensor: EngineTensor): boolean {
  return tensor.refs === 1 && tensor.storage.refs === 1 && !tensor.isView && isDense(tensor.shape, tensor.strides);
}

function deliverToLeaf(engine: Engine, leaf: Node, gradient: EngineTensor | null): void {
  if (gradient !== null) accept(engine, leaf, 0, gradient);
  if (--leaf.dependencies > 0) return;
  const total = leaf.buffer[0];
  leaf.emptyBuffer();
  if (total) accumulate(engine, leaf.variable!, total);
}

/** Strides are the same wherever there is more than one element (torch/csrc/autograd/utils/grad_layout_contract.h). */
function sameLayout({ shape, strides }: EngineTensor, other: EngineTensor): boolean {
  if (strides === other.strides) return true;
  const own = strides ?? contiguousStrides(shape);
  const wanted = other.strides ?? contiguousStrides(shape);
  return shape.every((size, dim) => size === 1 || own[dim] === wanted[dim]);
}

/**
 * `.grad`: the first gradient is taken over where nobody else holds it and it is laid out like the parameter, later ones are
 * added in place.
 */
function accumulate(engine: Engine, variable: EngineTensor, gradient: EngineTensor): void {
  materialise(engine, gradient.storage);
  if (variable.gradient !== null) return engine.release(gradient);
  if (gradient.refs === 1 && sameLayout(gradient, variable)) variable.gradient = gradient;
  else {
    if (engine.fusing) engine.read = [gradient.storage];
    variable.gradient = engine.hold(engine.empty(variable.shape, gradient.dtype, CLONE, variable.strides));
    engine.release(gradient);
  }
  engine.recorder.categorise(variable.gradient.storage.block, 'gradients');
  engine.gradientHook?.(variable);
}

/** A gradient in another shape: a view where its strides allow it, else a copy; the incoming one is used up. */
export function reshapeGradient(engine: Engine, gradient: EngineTensor, shape: Shape): EngineTensor {
  const strides = viewStrides(gradient.shape, gradient.strides, shape);
  return strides === undefined ? engine.empty(shape, gradient.dtype, CLONE) : engine.viewOf(gradient, shape, strides);
}
