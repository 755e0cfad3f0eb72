import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { completeArchitecture } from '../definition.js';
import { Scope } from '../module-tree.js';
import { declareModules } from '../recorded/graph-modules.js';
import { ANY_SIZE, callNetwork, networkInputs } from '../recorded/recorded-network.js';
import type { ResolvedModel } from '../resolved-model.js';

/**
 * A text encoder, or a VAE that encodes (its decoder lies beside), which other models are trained on the outputs of; by its
 * recorded forward pass. Throws UnsupportedModel where none was recorded.
 */
export function recordedEncoder(model: ResolvedModel): Architecture {
  const graph = model.graph?.() ?? null;
  if (graph === null) throw new ConfigReader(model).unsupported(`no forward pass of "${model.name}" was recorded`);
  const root = Scope.root();
  const state = declareModules(root, graph, ANY_SIZE);
  return completeArchitecture({
    name: model.name,
    task: 'encoding',
    root,
    inputs: (sizes) => networkInputs(graph, sizes),
    forward: (ops, batch, sizes) => ({ loss: callNetwork(ops, batch, { graph, state, sizes }), outputs: [] }),
  });
}
