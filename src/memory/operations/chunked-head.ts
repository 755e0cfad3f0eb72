import type { DType } from '../../model/dtype.js';
import { float32, isAutocastable } from '../../model/dtype.js';
import type { Shape } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';

const HEAD = operation('chunked_log_prob');
const HEAD_BACKWARD = operation('chunked_log_prob_backward');
const TO_COPY = operation('to_copy');

/** Rows and columns of logits that exist at a time (trl/kernels/chunked_logprob.py, trl/trainer/utils.py). */
const TILE_ROWS = 4096;
const TILE_COLUMNS = 32768;

/** Statistics that are folded over the tiles, one number each for every row. */
const RUNNING = 7;

/** What the head reads: hidden rows, their targets and the weight. */
export interface HeadInputs {
  x: EngineTensor;
  target: EngineTensor;
  weight: EngineTensor;
}

/**
 * `ChunkedLogProbFunction` of TRL from 1.15: the product with the head in tiles, folded into what log-probability and
 * entropy need. Backward makes each tile anew and sums the gradients in fp32.
 */
export function headLogProbabilities(engine: Engine, inputs: HeadInputs): [EngineTensor, EngineTensor] {
  const { x, target, weight } = inputs;
  const computed = engine.autocast !== null && isAutocastable(x.dtype) ? engine.autocast : x.dtype;
  const rows = x.shape.slice(0, 1);
  const node = engine.record(formulaOf(computed), [x, weight]);
  engine.save(node, x);
  engine.save(node, weight);
  engine.save(node, target);
  const statistics = Array.from({ length: RUNNING }, () => engine.empty(rows, float32, HEAD));
  const locals = passOverTiles(engine, inputs, computed, false);
  const normaliser = engine.empty(rows, float32, HEAD);
  const logProbabilities = engine.attach(engine.empty(rows, float32, HEAD), node);
  const entropies = engine.empty(rows, float32, HEAD);
  engine.save(node, normaliser);
  engine.save(node, entropies);
  for (const tensor of [...statistics, normaliser]) engine.consume(tensor);
  endLocals(engine, locals);
  for (const tensor of [x, target]) engine.consume(tensor);
  return [logProbabilities, entropies];
}

/**
 * Room for one tile of logits, and the copies in the type of the products where operands have another. What is returned
 * lives until the function does; backward has a name for the part of the weight, too.
 */
function passOverTiles(workspace: Workspace, { x, weight }: HeadInputs, computed: DType, namesParts: boolean): Locals {
  const [rows, hidden] = x.shape as readonly [number, number];
  const columns = partsOf(weight.shape[0]!, TILE_COLUMNS);
  const locals: Locals = { tile: null, x: null, weight: null };
  const name = (local: keyof Locals, value: EngineTensor | null): void => {
    if (locals[local]) workspace.consume(locals[local]);
    locals[local] = value;
  };
  name('tile', workspace.empty([Math.min(rows, TILE_ROWS), TILE_COLUMNS], computed, HEAD));
  for (const part of partsOf(rows, TILE_ROWS)) {
    name('x', castOf(workspace, x.dtype, computed, [part, hidden]));
    for (const width of columns) {
      name('weight', castOf(workspace, weight.dtype, computed, [width, hidden]));
      if (!namesParts) name('weight', null);
    }
  }
  return locals;
}

/** What a pass over the tiles has names for. */
type Locals = Record<'tile' | 'x' | 'weight', EngineTensor | null>;

function endLocals(workspace: Workspace, locals: Locals): void {
  for (const local of Object.values(locals)) if (local) workspace.consume(local);
}

/** Sizes of the parts of a dimension that is gone through `size` at a time. */
const partsOf = (length: number, size: number): number[] =>
  Array.from({ length: Math.ceil(length / size) }, (_, i) => Math.min(size, length - i * size));

const castOf = (workspace: Workspace, from: DType, to: DType, shape: Shape): EngineTensor | null =>
  from === to ? null : workspace.empty(shape, to, TO_COPY);

const formulaOf = (computed: DType): Formula => ({
  operation: HEAD,
  apply: (workspace, node) => {
    const [x, weight, target] = node.saved as readonly [EngineTensor, EngineTensor, EngineTensor];
    const sums = [x, weight].map((tensor, i) =>
      node.needs(i) ? workspace.empty(tensor.shape, float32, HEAD_BACKWARD) : null,
    );
    const locals = passOverTiles(workspace, { x, weight, target }, computed, true);
    const gradients = sums.map((sum, i) => sum && lowered(workspace, sum, [x, weight][i]!.dtype));
    sums.forEach((sum, i) => {
      if (sum && sum !== gradients[i]) workspace.consume(sum);
    });
    endLocals(workspace, locals);
    return gradients;
  },
});

const lowered = (workspace: Workspace, sum: EngineTensor, dtype: DType): EngineTensor =>
  sum.dtype === dtype ? sum : workspace.empty(sum.shape, dtype, TO_COPY);
