import { float32 } from '../../model/dtype.js';
import type { CollectiveOperations, Tensor } from '../../model/operations.js';
import type { Engine } from '../autograd/engine.js';
import type { EngineTensor, Formula, Workspace } from '../autograd/graph.js';
import { operation } from '../autograd/operation-names.js';
import { elementCount } from '../autograd/strides.js';
import { flashBackwardScratch } from './attention.js';

const ALL_GATHER = operation('all_gather_into_tensor');
const REDUCE_SCATTER = operation('reduce_scatter');
const REORDER = operation('collective.reorder');
const RING = operation('ring_attention');
const RING_BACKWARD = operation('ring_attention_backward');

const resized = (shape: readonly number[], dim: number, size: number): number[] =>
  shape.map((own, i) => (i === dim ? size : own));

/**
 * What all ranks have, along a dimension. Collectives work on the first; along another one the result is put in order
 * once more (torch/distributed/_functional_collectives.py, all_gather_tensor: chunk and cat).
 */
function gathered(workspace: Workspace, x: EngineTensor, dim: number, ranks: number): EngineTensor {
  const shape = resized(x.shape, dim, x.shape[dim]! * ranks);
  if (dim === 0) return workspace.empty(shape, x.dtype, ALL_GATHER);
  const parts = workspace.scratch(elementCount(shape) * x.dtype.bytes, ALL_GATHER);
  const whole = workspace.empty(shape, x.dtype, REORDER);
  workspace.discard(parts);
  return whole;
}

/** This rank's part of the sum over all; along another dimension than the first the sum's terms are reordered before. */
function scattered(workspace: Workspace, x: EngineTensor, dim: number, ranks: number): EngineTensor {
  const shape = resized(x.shape, dim, Math.ceil(x.shape[dim]! / ranks));
  if (dim === 0) return workspace.empty(shape, x.dtype, REDUCE_SCATTER);
  const ordered = workspace.scratch(elementCount(x.shape) * x.dtype.bytes, REORDER);
  const part = workspace.empty(shape, x.dtype, REDUCE_SCATTER);
  workspace.discard(ordered);
  return part;
}

type Collective = (workspace: Workspace, x: EngineTensor, dim: number, ranks: number) => EngineTensor;

/** A collective along a dimension, the other one being its backward. */
function collective(engine: Engine, x: EngineTensor, at: { dim: number; ranks: number; name: number }): EngineTensor {
  const [forward, backward]: readonly [Collective, Collective] =
    at.name === ALL_GATHER ? [gathered, scattered] : [scattered, gathered];
  const formula: Formula = {
    operation: at.name,
    apply: (workspace, node) => [backward(workspace, node.gradient, at.dim, at.ranks)],
  };
  const node = engine.record(formula, [x]);
  const out = engine.attach(forward(engine, x, at.dim, at.ranks), node);
  engine.consume(x);
  return out;
}

/** Keys and values of all ranks; fp32 gradients that are summed over the parts and, for keys and values, sent round. */
function ringFormula(ranks: number): Formula {
  return {
    operation: RING,
    apply: (workspace, node) => {
      const [q, k, v] = node.saved as [EngineTensor, EngineTensor, EngineTensor];
      const inputs = [q, k, v];
      const round = keysAndValues(workspace, k, ranks, RING_BACKWARD);
      const sums = inputs.map((tensor) => workspace.empty(tensor.shape, float32, RING_BACKWARD, tensor.strides));
      const parts = inputs.map((tensor) => workspace.emptyLike(tensor, RING_BACKWARD));
      for (const bytes of flashBackwardScratch(q, k)) workspace.discard(workspace.scratch(bytes, RING_BACKWARD));
      for (const tensor of parts) workspace.consume(tensor);
      workspace.discard(workspace.scratch(2 * elementCount(k.shape) * 4, RING_BACKWARD));
      workspace.discard(round);
      return sums.map((sum, i) => {
        const gradient = workspace.emptyLike(inputs[i]!, RING_BACKWARD);
        workspace.consume(sum);
        return gradient;
      });
    },
  };
}

/** Keys and values in one buffer, gathered from all ranks at once. */
function keysAndValues(workspace: Workspace, k: EngineTensor, ranks: number, name: number) {
  const bytes = 2 * elementCount(k.shape) * k.dtype.bytes;
  const own = workspace.scratch(bytes, name);
  const all = workspace.scratch(bytes * ranks, name);
  workspace.discard(own);
  return all;
}

/**
 * Attention of this rank's queries to the keys of all (torch/distributed/tensor/experimental, `_templated_ring_attention`
 * with the rotate method `allgather`): one kernel call for each part, merged in fp32.
 */
function ringAttention(engine: Engine, [q, k, v]: readonly EngineTensor[], ranks: number): EngineTensor {
  const inputs = [q!, k!, v!];
  const node = engine.record(ringFormula(ranks), inputs);
  for (const tensor of inputs) engine.save(node, tensor);
  const round = keysAndValues(engine, k!, ranks, RING);
  const part = engine.emptyLike(q!, RING);
  const merged = engine.emptyLike(q!, RING, float32);
  const rows = q!.shape.slice(0, -1);
  const logSumExp = engine.empty(rows, float32, RING);
  engine.discard(round);
  engine.consume(part);
  const out = engine.emptyLike(q!, RING);
  engine.consume(merged);
  for (const tensor of [out, logSumExp]) engine.save(node, tensor);
  engine.consume(logSumExp);
  engine.attach(out, node);
  for (const tensor of inputs) engine.consume(tensor);
  return out;
}

export function collectiveOperations(engine: Engine): CollectiveOperations {
  const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;
  return {
    allGather: (x, dim, ranks) => collective(engine, own(x), { dim, ranks, name: ALL_GATHER }),
    reduceScatter: (x, dim, ranks) => collective(engine, own(x), { dim, ranks, name: REDUCE_SCATTER }),
    ringAttention: (q, k, v, ranks) => ringAttention(engine, [own(q), own(k), own(v)], ranks),
  };
}
