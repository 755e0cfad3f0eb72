import { int64 } from '../../model/dtype.js';
import type { Parameter, Shape } from '../../model/module-tree.js';
import type { IndexOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Node, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import { inPlace } from './elementwise.js';

const EMBEDDING = operation('embedding');
const EMBEDDING_BACKWARD = operation('embedding_dense_backward');
const GATHER = operation('gather');
const INDEX = operation('index');
const INDEX_ADD = operation('index_add');
const INDEX_COPY = operation('index_copy');
const TOP_K = operation('topk');

/** Up to this many indices the CUDA kernel needs no sorting (aten/src/ATen/native/cuda/Embedding.cu). */
const UNSORTED_EMBEDDING_LIMIT = 3072;

/** The dense gradient of the table; for many indices sort tables and partial rows live inside the kernel. */
const EMBEDDING_FORMULA: Formula = {
  operation: EMBEDDING,
  apply: (workspace, node) => {
    const { shape } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
    const result = workspace.empty(shape, node.gradient.dtype, EMBEDDING_BACKWARD);
    sortTables(workspace, elementCount(node.saved[0]!.shape), shape);
    return [result];
  },
};

function sortTables(workspace: Workspace, indices: number, [rows, width]: Shape): void {
  if (indices <= UNSORTED_EMBEDDING_LIMIT) return;
  const partialRows = Math.floor(indices / 10) + Math.min(indices, rows!);
  const sizes = [indices * 8, indices * 8, indices * 24, partialRows * width! * 4];
  const tables = sizes.map((bytes) => workspace.scratch(bytes, EMBEDDING_BACKWARD));
  for (const table of tables) workspace.discard(table);
}

/** Zeros of the input's size into which the gradient is scattered: in place, or made anew while recorded. */
const scattered = (forward: number, backward: string): Formula => ({
  operation: forward,
  apply: (workspace, node) => {
    const { shape } = node.next[0]!.outputs[node.outputNumbers[0]!]!;
    const { dtype } = node.gradient;
    const zeros = workspace.empty(shape, dtype, operation('new_zeros'));
    if (!workspace.recorded) return [zeros];
    const result = workspace.empty(shape, dtype, operation(backward));
    workspace.consume(zeros);
    return [result];
  },
});
const GATHER_FORMULA = scattered(GATHER, 'scatter_add');
const INDEX_FORMULA = scattered(INDEX, 'index_put');
const INDEX_SELECT_FORMULA = scattered(operation('index_select'), 'index_add');
const TOP_K_FORMULA = scattered(TOP_K, 'scatter');

/** The gradient as it is for the input, its indexed rows for the source. */
const INDEX_ADD_FORMULA: Formula = {
  operation: INDEX_ADD,
  apply: (workspace, node) => {
    const rows = node.needs(1)
      ? workspace.empty(node.shapes![0]!, node.gradient.dtype, operation('index_select'))
      : null;
    return [node.needs(0) ? node.gradient : null, rows];
  },
};

/** Gathered from the gradient for the source; what was written over gets none. */
const SCATTER_FORMULA: Formula = {
  operation: operation('scatter'),
  apply: (workspace, node) => {
    const gathered = node.needs(1) ? workspace.empty(node.shapes![0]!, node.gradient.dtype, GATHER) : null;
    return [null, gathered];
  },
};

/** The gradient with nothing where the number was written. */
const SCATTER_VALUE_FORMULA: Formula = {
  operation: operation('scatter'),
  apply: (workspace, { gradient }) => [workspace.emptyLike(gradient, operation('scatter'))],
};

const INDEX_COPY_FORMULA: Formula = { ...INDEX_ADD_FORMULA, operation: INDEX_COPY };

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

/** A node of an operation that writes a source's rows into another tensor; keeps index and source. */
function scatterNode(engine: Engine, formula: Formula, inputs: readonly EngineTensor[]): Node | null {
  const [x, at, source] = inputs as readonly [EngineTensor, EngineTensor, EngineTensor];
  const node = engine.record(formula, [x, source]);
  engine.save(node, at);
  engine.save(node, source);
  if (node !== null) node.shapes = [source.shape];
  return node;
}

/** `x.index_copy(dim, index, source)` */
export const indexCopy = (engine: Engine, x: EngineTensor, at: EngineTensor, source: EngineTensor): EngineTensor =>
  withRows(engine, INDEX_COPY_FORMULA, [x, at, source]);

/** `[x, index, source]`: a new tensor of x with the source's rows copied over or added to its own. */
function withRows(
  engine: Engine,
  formula: Formula,
  inputs: readonly [EngineTensor, EngineTensor, EngineTensor],
): EngineTensor {
  const [x] = inputs;
  const node = scatterNode(engine, formula, inputs);
  const out = engine.attach(engine.empty(x.shape, x.dtype, formula.operation), node);
  for (const tensor of inputs) engine.consume(tensor);
  return out;
}

export function embedding(engine: Engine, indices: EngineTensor, table: EngineTensor): EngineTensor {
  const node = engine.record(EMBEDDING_FORMULA, [table]);
  engine.save(node, indices);
  const out = engine.empty([...indices.shape, table.shape[1]!], table.dtype, EMBEDDING);
  engine.attach(out, node);
  engine.consume(indices);
  return out;
}

function topK(engine: Engine, x: EngineTensor, k: number, dim: number): [EngineTensor, EngineTensor] {
  const node = engine.record(TOP_K_FORMULA, [x]);
  const shape = x.shape.map((size, i) => (i === dim ? k : size));
  const values = engine.attach(engine.empty(shape, x.dtype, TOP_K), node);
  const indices = engine.empty(shape, int64, TOP_K);
  engine.save(node, indices);
  engine.consume(x);
  return [values, indices];
}

function index(engine: Engine, x: EngineTensor, indices: readonly EngineTensor[], shape: Shape): EngineTensor {
  const node = engine.record(INDEX_FORMULA, [x]);
  for (const tensor of indices) engine.save(node, tensor);
  const out = engine.attach(engine.empty(shape, x.dtype, INDEX), node);
  engine.consume(x);
  for (const tensor of new Set(indices)) engine.consume(tensor);
  return out;
}

export function indexOperations(engine: Engine, tableOf: (parameter: Parameter) => EngineTensor): IndexOperations {
  return {
    embedding: (indices, table) => embedding(engine, own(indices), tableOf(table)),
    gather: (x, _dim, at) => {
      const node = engine.record(GATHER_FORMULA, [own(x)]);
      engine.save(node, own(x));
      engine.save(node, own(at));
      const out = engine.attach(engine.empty(at.shape, x.dtype, GATHER), node);
      engine.consume(own(x));
      engine.consume(own(at));
      return out;
    },
    index: (x, indices, shape) => index(engine, own(x), indices.map(own), shape),
    scatterValue: (x, at) => {
      const node = engine.record(SCATTER_VALUE_FORMULA, [own(x)]);
      engine.save(node, own(at));
      const out = engine.attach(engine.empty(x.shape, x.dtype, SCATTER_VALUE_FORMULA.operation), node);
      engine.consume(own(x));
      engine.consume(own(at));
      return out;
    },
    indexSelect: (x, dim, at) => {
      const node = engine.record(INDEX_SELECT_FORMULA, [own(x)]);
      engine.save(node, own(at));
      const shape = x.shape.map((size, i) => (i === dim ? at.shape[0]! : size));
      const out = engine.attach(engine.empty(shape, x.dtype, INDEX_SELECT_FORMULA.operation), node);
      engine.consume(own(x));
      engine.consume(own(at));
      return out;
    },
    indexAdd: (x, at, source) => withRows(engine, INDEX_ADD_FORMULA, [own(x), own(at), own(source)]),
    indexAddInPlace: (x, at, source) => {
      const node = scatterNode(engine, INDEX_ADD_FORMULA, [own(x), own(at), own(source)]);
      const out = inPlace(engine, own(x), node);
      engine.consume(own(at));
      engine.consume(own(source));
      return out;
    },
    scatterInPlace: (x, at, source) => {
      const node = engine.record(SCATTER_FORMULA, [own(x), own(source)]);
      engine.save(node, own(at));
      if (node !== null) node.shapes = [source.shape];
      const out = inPlace(engine, own(x), node);
      engine.consume(own(at));
      engine.consume(own(source));
      return out;
    },
    indexCopy: (x, at, source) => indexCopy(engine, own(x), own(at), own(source)),
    topK: (x, k, dim) => topK(engine, own(x), k, dim ?? x.shape.length - 1),
  };
}
