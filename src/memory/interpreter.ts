import type { Buffer, Linear, Parameter } from '../model/module-tree.js';
import type { AttentionOperations, CodeOperations, NameOperations, Operations, Tensor } from '../model/operations.js';
import type { InputAdapter } from './adapters/input-adapter.js';
import type { Engine } from './autograd/engine.js';
import type { EngineTensor } from './autograd/graph.js';
import { HostOffload } from './autograd/host-offload.js';
import { NotEstimable } from './not-estimable.js';
import type { BlockRunner, SectionRunner } from './block-runner.js';
import { checkpointedCall } from './block-runner.js';
import { frameOperations } from './operations/frames.js';
import type { KernelChoice } from './operations/attention.js';
import { scaledDotProductAttention } from './operations/attention.js';
import { collectiveOperations } from './operations/collectives.js';
import { elementwiseOperations } from './operations/elementwise.js';
import { fusedOperations } from './operations/fused-kernels.js';
import { gatheredLinear } from './operations/gathered-linear.js';
import { imageOperations } from './operations/images.js';
import { embedding, indexOperations } from './operations/indexing.js';
import { lossOperations } from './operations/losses.js';
import { matrixOperations } from './operations/matrix.js';
import { normalisationOperations } from './operations/normalisation.js';
import { recurrentOperations } from './operations/recurrent.js';
import { reductionOperations } from './operations/reductions.js';
import { tensorLayerOperations } from './operations/tensor-layers.js';
import type { EngineFloat8 } from './precision/engine-float8.js';
import { takesFloat8 } from './precision/float8-linear.js';
import { routingOperations } from './operations/routing.js';
import { viewOperations } from './operations/views.js';

/** How a run executes a model's operations. */
export interface Interpretation {
  engine: Engine;
  /** Tensors of the parameters and buffers, by their index. */
  parameters: readonly EngineTensor[];
  buffers: readonly EngineTensor[];
  linear: (x: EngineTensor, layer: Linear) => EngineTensor;
  /** Whether something is trained beside a layer. */
  isAdapted: (layer: Linear) => boolean;
  runBlock: BlockRunner;
  runSection: SectionRunner;
  /** Copies in 8 bit of a library whose layers compute in it; null: none do. */
  float8: EngineFloat8 | null;
  attention: AttentionOperations['attention'];
  kernels: KernelChoice;
  /** Whether the loss is compiled by itself. */
  compilesLoss: boolean;
  /** Replaces the model's own dropout; null: the model's own. */
  dropout: number | null;
  /** Table whose rows ask for a gradient although it is frozen; null: none. */
  gradientLeaf: Parameter | null;
  /** What is trained at the model's input; null: nothing. */
  inputs: InputAdapter | null;
  code: CodeOperations;
}

const own = (tensor: Tensor): EngineTensor => tensor as EngineTensor;

/** The operation vocabulary over an engine. */
export function createOperations(interpretation: Interpretation): Operations {
  const { engine, parameters, buffers, dropout, gradientLeaf, float8 } = interpretation;
  const parameter = (wanted: Parameter): EngineTensor => parameters[wanted.index]!;
  return {
    ...nameOperations(interpretation),
    create: (name, shape, dtype) => engine.create(name, shape, dtype),
    parameter,
    buffer: (wanted: Buffer) => buffers[wanted.index]!,
    ...elementwiseOperations(engine),
    ...reductionOperations(engine),
    ...viewOperations(engine),
    ...matrixOperations(engine, interpretation.linear),
    ...attentionOperations(interpretation),
    ...normalisationOperations(engine, parameter),
    ...imageOperations(engine, parameter),
    ...tensorLayerOperations(engine),
    ...indexOperations(engine, parameter),
    ...(gradientLeaf === null ? {} : leafEmbedding(interpretation, gradientLeaf)),
    ...(interpretation.inputs === null ? {} : adaptedEmbedding(interpretation, interpretation.inputs)),
    ...recurrentOperations(engine, parameter),
    ...lossOperations(engine, parameter),
    ...collectiveOperations(engine),
    ...interpretation.code,
    ...fusedOperations(engine),
    ...routingOperations(engine, (layer) => parameter(unadapted(interpretation, layer).weight), float8),
    gatheredLinear: (x, layer, ranks) => {
      if (interpretation.isAdapted(layer)) return adaptedGathered(interpretation, own(x), layer, ranks);
      return gatheredLinear(engine, own(x), layer, {
        weight: parameter(layer.weight),
        ranks,
        float8: takesFloat8(layer) ? float8 : null,
      });
    },
    section: (name, args, body) =>
      interpretation.runSection(name, args as (EngineTensor | null)[], body) as ReturnType<typeof body>,
    dropoutOf: (probability) => dropout ?? probability,
  };
}

/** Experts that are one product of many matrices take no adapters here: passing them over would be too low. */
function unadapted({ isAdapted }: Interpretation, layer: Linear): Linear {
  if (!isAdapted(layer)) return layer;
  const reason = 'adapters of experts that are computed in one grouped product are not covered yet';
  throw new NotEstimable([{ field: 'peft.targetModules', reason }]);
}

/** An adapter needs the gathered input itself: it is kept for the adapter's gradient. */
function adaptedGathered({ engine, linear }: Interpretation, x: EngineTensor, layer: Linear, ranks: number): Tensor {
  const whole = ranks > 1 ? own(collectiveOperations(engine).allGather(x, 0, ranks)) : x;
  return linear(whole, layer);
}

function nameOperations({ engine, runBlock, compilesLoss }: Interpretation): NameOperations {
  return {
    ...frameOperations(engine),
    block: (block, args, body) => runBlock(block, args as (EngineTensor | null)[], body) as ReturnType<typeof body>,
    recomputed: (args, body) =>
      checkpointedCall(engine, args as (EngineTensor | null)[], body) as ReturnType<typeof body>,
    loss: (body) => {
      const { fusing } = engine;
      engine.fusing = compilesLoss;
      const loss = body();
      engine.fusing = fusing;
      return loss;
    },
    keepingOnDevice: (body) => {
      const { hook } = engine;
      if (hook instanceof HostOffload) engine.hook = null;
      const result = body();
      engine.hook = hook;
      return result;
    },
    withoutAutocast: (body) => {
      const { autocast } = engine;
      engine.autocast = null;
      const result = body();
      engine.autocast = autocast;
      return result;
    },
  };
}

function attentionOperations({ engine, attention, kernels }: Interpretation): AttentionOperations {
  return {
    attention,
    scaledDotProductAttention: (q, k, v, options) => {
      const inputs = { q: own(q), k: own(k), v: own(v), mask: options.mask ? own(options.mask) : null, options };
      return scaledDotProductAttention(engine, inputs, kernels);
    },
  };
}

/** `output.requires_grad_(True)` on the rows of one table. */
function leafEmbedding({ engine, parameters }: Interpretation, leaf: Parameter): Pick<Operations, 'embedding'> {
  return {
    embedding: (indices, table) => {
      const rows = embedding(engine, own(indices), parameters[table.index]!);
      if (table === leaf) rows.requiresGrad = true;
      return rows;
    },
  };
}

/** Looks one table up as an adapter of the model's input has it. */
function adaptedEmbedding({ engine, parameters }: Interpretation, inputs: InputAdapter): Pick<Operations, 'embedding'> {
  return {
    embedding: (indices, table) => {
      const look = table === inputs.table ? inputs.embed : embedding;
      return look(engine, own(indices), parameters[table.index]!);
    },
  };
}
