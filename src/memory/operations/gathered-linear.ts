import type { Linear } from '../../model/module-tree.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Workspace } from '../autograd/graph.js';
import type { Storage } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import type { EngineFloat8 } from '../precision/engine-float8.js';
import { float8 } from '../precision/float8-linear.js';

const GATHER = operation('all_gather_into_tensor');
const SCATTER = operation('reduce_scatter');
const MM = operation('mm');
const TO_FLOAT8 = operation('to_float8');

const gather = (workspace: Workspace, x: EngineTensor, ranks: number): Storage =>
  workspace.scratch(elementCount(x.shape) * x.dtype.bytes * ranks, GATHER);

const gatheredShape = ({ shape }: EngineTensor, ranks: number): number[] => [shape[0]! * ranks, ...shape.slice(1)];

/**
 * A linear layer that gathers its input along the sequence, in forward and once more in backward: this rank's part is all
 * that is kept (megatron/core/tensor_parallel/layers.py, LinearWithGradAccumulationAndAsyncCommunication).
 */
const formulaFor = (ranks: number): Formula => ({
  operation: MM,
  delivery: [1, 0],
  apply: (workspace, node) => {
    const [kept, weight] = node.saved as [EngineTensor, EngineTensor];
    const { dtype, shape } = node.gradient;
    const scratch = [
      ...(kept.dtype === float8 ? [workspace.scratch(2 * elementCount(shape), TO_FLOAT8)] : []),
      ...(ranks > 1 ? [gather(workspace, kept, ranks)] : []),
    ];
    const ofWhole = node.needs(0) ? workspace.empty(gatheredShape(kept, ranks), dtype, MM) : null;
    const ofInput = ofWhole && (ranks > 1 ? workspace.empty(kept.shape, dtype, SCATTER) : ofWhole);
    const ofWeight = node.needs(1) ? workspace.empty(weight.shape, dtype, MM) : null;
    for (const storage of scratch) workspace.discard(storage);
    if (ofWhole !== null && ofWhole !== ofInput) workspace.consume(ofWhole);
    return [ofInput, ofWeight];
  },
});

const FORMULAS = new Map<number, Formula>();

function formula(ranks: number): Formula {
  const known = FORMULAS.get(ranks) ?? formulaFor(ranks);
  FORMULAS.set(ranks, known);
  return known;
}

export function gatheredLinear(
  engine: Engine,
  x: EngineTensor,
  layer: Linear,
  { weight, ranks, float8: inFloat8 }: { weight: EngineTensor; ranks: number; float8: EngineFloat8 | null },
): EngineTensor {
  const node = engine.record(formula(ranks), [x, weight]);
  inFloat8?.keepWeight(layer, weight);
  const kept = inFloat8?.quantised(x) ?? x;
  engine.save(node, kept);
  engine.save(node, weight);
  const whole = ranks > 1 ? gather(engine, kept, ranks) : null;
  const shape = [x.shape[0]! * ranks, ...x.shape.slice(1, -1), layer.outFeatures];
  const out = engine.attach(engine.empty(shape, x.dtype, MM), node);
  if (whole !== null) engine.discard(whole);
  if (kept !== x) engine.consume(kept);
  engine.consume(x);
  return out;
}
