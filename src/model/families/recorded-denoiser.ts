import { ConfigReader } from '../config-reader.js';
import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import type { Denoise } from '../modules/diffusion/denoiser.js';
import { denoiser, noise } from '../modules/diffusion/denoiser.js';
import type { Scope } from '../module-tree.js';
import { declareModules } from '../recorded/graph-modules.js';
import type { RecordedGraph } from '../recorded/recorded-graph.js';
import { ANY_SIZE, callNetwork, networkInputs, networkResult } from '../recorded/recorded-network.js';
import type { ResolvedModel } from '../resolved-model.js';

/** What the loss is taken of: all that is predicted, or the half of the channels that is no variance. */
function targetShape(graph: RecordedGraph, sizes: BatchSizes): readonly number[] {
  const shape = networkResult(graph, sizes);
  return graph.network?.predictsVariance ? shape.map((size, dim) => (dim === 1 ? size / 2 : size)) : shape;
}

const inputs = (graph: RecordedGraph, sizes: BatchSizes): InputSpec[] => [
  ...networkInputs(graph, sizes),
  noise('target', targetShape(graph, sizes), sizes),
];

function build(graph: RecordedGraph, root: Scope): Denoise {
  const state = declareModules(root, graph, ANY_SIZE);
  return (ops, batch, sizes) => {
    const predicted = callNetwork(ops, batch, { graph, state, sizes });
    return graph.network?.predictsVariance ? ops.slice(predicted, 1, 0, predicted.shape[1]! / 2) : predicted;
  };
}

/**
 * A denoiser of diffusers by its recorded forward pass (catalog/tools/recorder/networks.py names them). Throws
 * UnsupportedModel where none was recorded, as for a description with other dimensions.
 */
export function recordedDenoiser(model: ResolvedModel): Architecture {
  const graph = model.graph?.() ?? null;
  if (graph === null) {
    const reason = `no forward pass of "${model.name}" was recorded: its family is covered at the sizes of the catalog`;
    throw new ConfigReader(model).unsupported(reason);
  }
  return denoiser({
    name: model.name,
    inputs: (sizes) => inputs(graph, sizes),
    build: (root) => build(graph, root),
  });
}
