import type { Linear } from '../../model/module-tree.js';
import type { RoutingOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { binaryResult } from './elementwise.js';
import type { EngineFloat8 } from '../precision/engine-float8.js';

const PERMUTE = operation('moe_permute');
const ALL_TO_ALL = operation('all_to_all_single');
const MIXER = operation('mul');
const GROUPED_MM = operation('grouped_mm');

/** A gradient of the input's shape, whatever the output's. */
const likeInput = (name: number): Formula => ({
  operation: name,
  apply: (workspace, node) => {
    const source = node.next[0]!.outputs[node.outputNumbers[0]!]!;
    return [workspace.empty(source.shape, node.gradient.dtype, name)];
  },
});

const PERMUTE_FORMULA = likeInput(PERMUTE);
const ALL_TO_ALL_FORMULA = likeInput(ALL_TO_ALL);

function moved(engine: Engine, x: EngineTensor, rows: number, formula: Formula): EngineTensor {
  const node = engine.record(formula, [x]);
  const out = engine.attach(engine.empty([rows, x.shape[1]!], x.dtype, formula.operation), node);
  engine.consume(x);
  return out;
}

const GROUPED_FORMULA: Formula = {
  operation: GROUPED_MM,
  delivery: [1, 0],
  apply: (workspace, node) => {
    const [kept, weight] = node.saved as [EngineTensor, EngineTensor];
    const { dtype } = node.gradient;
    return [
      node.needs(0) ? workspace.empty(kept.shape, dtype, GROUPED_MM) : null,
      node.needs(1) ? workspace.empty(weight.shape, dtype, GROUPED_MM) : null,
    ];
  },
};

/** grad * multiplier at the chosen expert, and masked_gates * -(grad * multiplier) elsewhere; none for the multiplier. */
const SPARSE_MIXER_FORMULA: Formula = {
  operation: MIXER,
  apply: (workspace, node) => {
    const [multiplier, , gates] = node.saved as [EngineTensor, EngineTensor, EngineTensor];
    const scaled = binaryResult(workspace, node.gradient, multiplier, MIXER);
    const negative = workspace.emptyLike(scaled, MIXER);
    const result = binaryResult(workspace, gates, negative, MIXER);
    workspace.consume(negative);
    workspace.consume(scaled);
    return [result, null];
  },
};

/** Rows times the weights of the expert that each belongs to; the weights of all experts are one parameter. */
function groupedLinear(
  engine: Engine,
  x: EngineTensor,
  { weight, width, float8 }: { weight: EngineTensor; width: number; float8: EngineTensor | null },
): EngineTensor {
  const node = engine.record(GROUPED_FORMULA, [x, weight]);
  engine.save(node, float8 ?? x);
  engine.save(node, weight);
  const out = engine.attach(engine.empty([x.shape[0]!, width], x.dtype, GROUPED_MM), node);
  if (float8 !== null) engine.consume(float8);
  engine.consume(x);
  return out;
}

export function routingOperations(
  engine: Engine,
  weightOf: (layer: Linear) => EngineTensor,
  float8: EngineFloat8 | null,
): RoutingOperations {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  return {
    permuteRows: (x, rows) => moved(engine, own(x), rows, PERMUTE_FORMULA),
    sparseMixer: (scores, multiplier, { selected, gates, mask }) => {
      const node = engine.record(SPARSE_MIXER_FORMULA, [own(scores), own(multiplier)]);
      for (const saved of [multiplier, selected, gates]) engine.save(node, own(saved));
      return engine.attach(binaryResult(engine, own(multiplier), own(mask), MIXER), node);
    },
    allToAll: (x) => moved(engine, own(x), x.shape[0]!, ALL_TO_ALL_FORMULA),
    groupedLinear: (x, layer, width) => {
      const weight = weightOf(layer);
      float8?.keepWeight(layer, weight);
      return groupedLinear(engine, own(x), { weight, width, float8: float8?.quantised(own(x)) ?? null });
    },
  };
}
