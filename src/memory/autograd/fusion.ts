import type { Node } from './graph.js';
import { EngineTensor, Storage } from './graph.js';
import { operation } from './operation-names.js';

/**
 * Operations that a compiler writes into the kernels of their readers, forward and backward (torch/_inductor/lowering.py:
 * pointwise operations, and what is left of normalisations and softmax once their rows are reduced). Products, attention,
 * convolutions, sorts and collectives are calls of libraries and have memory of their own.
 */
const FUSIBLE = [
  'add',
  'sub',
  'mul',
  'div',
  'neg',
  'pow',
  'rsqrt',
  'sqrt',
  'exp',
  'log',
  'cos',
  'sin',
  'tanh',
  'sigmoid',
  'gelu',
  'silu',
  'relu',
  'to_copy',
  'where',
  'masked_fill',
  'cat',
  'clone',
  'zeros',
  'slice_backward',
  'select_backward',
  'native_layer_norm',
  'native_layer_norm_backward',
  'softmax',
  'softmax_backward',
  'log_softmax',
  'log_softmax_backward',
  'nll_loss_backward',
  'to_float8',
].flatMap((name) => [operation(name), operation(`${name}_backward`)]);

const fusible: ReadonlySet<number> = new Set(FUSIBLE);

/** Whether a compiled region computes the operation's result where it is read. */
export const isFusible = (operationNumber: number): boolean => fusible.has(operationNumber);

/** Reductions and losses read fused values in their own kernels, but their results have memory. */
const READS_FUSED: ReadonlySet<number> = new Set(
  [
    ...['sum', 'mean', 'nll_loss', 'mse_loss', 'accumulate_grad', 'native_group_norm', 'batch_norm'],
    ...['view', 'transpose', 'permute', 'expand', 'split', 'select', 'slice', 'unsqueeze', 'unbind', 'reshape'],
  ].map(operation),
);

/** Whether an operation reads values where they are made. */
export const readsFused = (operationNumber: number): boolean =>
  fusible.has(operationNumber) || READS_FUSED.has(operationNumber);

/** A value that has no memory as yet. */
export const isPending = (storage: Storage): boolean => storage.fused !== null && storage.block < 0;

/** The memory that values are computed from in the end, each once. */
export function sourcesOf(storages: readonly Storage[]): readonly Storage[] {
  const found = new Set<Storage>();
  for (const storage of storages) {
    if (!isPending(storage) || storage.fused!.whole) found.add(storage);
    else for (const source of storage.fused!.sources) found.add(source);
  }
  return [...found];
}

/** What fusion needs of the engine. */
export interface FusionMemory {
  allocate(storage: Storage, operationNumber: number): void;
  releaseStorage(storage: Storage): void;
}

function hold(storage: Storage): void {
  if (storage.refs <= 0) throw new Error('a storage was read after its end');
  storage.refs++;
}

/** A value of a compiled region without memory; it holds what it is computed from. */
export function pendingStorage(
  bytes: number,
  operationNumber: number,
  read: readonly Storage[],
  whole = false,
): Storage {
  const storage = new Storage(bytes, -1);
  const sources = sourcesOf(read);
  sources.forEach(hold);
  storage.fused = { operation: operationNumber, origin: sources, sources, again: null, whole };
  return storage;
}

/**
 * Gives a value memory: its kernel runs. Where a source of the same size is needed by nobody else, its memory is used
 * (the compiler's reuse of buffers in place).
 */
export function materialise(memory: FusionMemory, storage: Storage): void {
  if (!isPending(storage)) return;
  const { sources, operation: number } = storage.fused!;
  for (const source of sources) materialise(memory, source);
  const spent = sources.find(({ refs, bytes, block }) => refs === 1 && bytes === storage.bytes && block >= 0);
  if (spent === undefined) memory.allocate(storage, number);
  else {
    storage.block = spent.block;
    spent.block = -1;
  }
  storage.fused!.sources = [];
  for (const source of sources) memory.releaseStorage(source);
}

const isHeld = (storage: Storage | null | undefined): boolean => (storage?.refs ?? 0) > 0;

/**
 * What backward keeps of a value: of one that its region computes where it is read, no memory but what it is computed
 * from; it is then computed again, once for all who need it. The value itself where its origin is gone. The value holds
 * this form of it, so that its sources last until it is known whether backward needs it.
 */
export function savedForm(storage: Storage): Storage {
  const { fused } = storage;
  if (fused === null) return storage;
  if (isHeld(fused.again)) return fused.again!;
  if (fused.origin.some((source) => source.refs <= 0 && !isHeld(source.fused?.again))) return storage;
  fused.again = pendingStorage(storage.bytes, fused.operation, fused.origin.map(savedForm), fused.whole);
  return fused.again;
}

/** A tensor over what backward keeps of its value. */
export function savedTensor(tensor: EngineTensor): EngineTensor {
  const storage = savedForm(tensor.storage);
  if (storage === tensor.storage) return tensor;
  const saved = new EngineTensor(tensor.shape, tensor.strides, tensor.dtype, storage);
  saved.requiresGrad = tensor.requiresGrad;
  return saved;
}

/** What a node reads: its incoming gradients and saved tensors, in memory unless its kernel computes them itself. */
export function readByNode(memory: FusionMemory, node: Node): readonly Storage[] {
  const read = [...node.buffer, ...node.saved].flatMap((tensor) => (tensor ? [tensor.storage] : []));
  const fused = node.compiled && (node.formula.readsFused ?? readsFused(node.formula.operation));
  if (!fused) for (const storage of read) materialise(memory, storage);
  return read;
}
