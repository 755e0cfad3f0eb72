import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture, BatchSizes, InputSpec } from '../definition.js';
import { completeArchitecture, input } from '../definition.js';
import { Scope } from '../module-tree.js';
import { declareModules } from '../recorded/graph-modules.js';
import { runGraph } from '../recorded/graph-runner.js';
import type { RecordedGraph } from '../recorded/recorded-graph.js';
import { ANY_SIZE } from '../recorded/recorded-network.js';
import { Sizes } from '../recorded/sizes.js';
import { dtypeOf } from '../recorded/step-operations.js';
import type { ResolvedModel } from '../resolved-model.js';

/** Letters of a transcript, where nothing says how many (facebook/wav2vec2-base-960h). */
const LETTERS = 32;

const inputName = (place: number): string => (place === 0 ? 'input_values' : 'attention_mask');

/**
 * wav2vec 2.0 and HuBERT trained with CTC, by the recorded training step: sound as samples (`sequenceLength`, 16,000 a
 * second), of which the frozen feature encoder makes a frame of 320. Throws UnsupportedModel where none was recorded.
 */
export function soundEncoder(model: ResolvedModel, task: Task): Architecture {
  const config = new ConfigReader(model);
  const graph = model.graph?.() ?? null;
  if (graph === null) throw config.unsupported(`no training step of "${model.name}" was recorded`);
  const letters = config.size(['vocab_size', 'num_labels'], LETTERS);
  const root = Scope.root();
  const variables = { ...ANY_SIZE, K: letters };
  const state = declareModules(root, graph, variables);
  const sizesAt = ({ batch, sequence }: BatchSizes): Sizes => new Sizes(graph, { ...variables, B: batch, W: sequence });
  return completeArchitecture({
    name: model.name,
    task,
    root,
    inputs: (sizes) => soundInputs(graph, sizesAt(sizes), sizes),
    forward: (ops, batch, sizes) => {
      const inputs = graph.inputs!.map((_, place) => input(batch, inputName(place)));
      const [loss] = runGraph(ops, { graph, state, inputs, sizes: sizesAt(sizes), weights: inputs[0]!.dtype });
      return { loss: loss!, outputs: [] };
    },
  });
}

function soundInputs(graph: RecordedGraph, sizes: Sizes, { dtype }: BatchSizes): InputSpec[] {
  return graph.inputs!.map(([shape, type], place) => ({
    name: inputName(place),
    shape: sizes.list(shape, []),
    dtype: dtypeOf(type, dtype),
    madeBy: place === 0 ? 'randn' : 'ones',
  }));
}
