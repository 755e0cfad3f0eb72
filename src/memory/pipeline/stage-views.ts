import type { PipelineStage, RankView } from '../../model/rank-view.js';
import type { ResolvedModel } from '../../model/resolved-model.js';
import { UnsupportedModel } from '../../model/unsupported-model.js';
import type { RunValues } from '../../run/training-run.js';
import { rankViewOf } from '../rank-view-of.js';
import { chunksOf } from './schedule.js';

function layersOf({ name, config }: ResolvedModel): number {
  const layers = config['num_hidden_layers'] ?? config['n_layer'];
  if (typeof layers === 'number') return layers;
  throw new UnsupportedModel(name, 'its configuration does not say how many layers there are to spread over stages');
}

/** The part of the model that a rank of a stage has: one run of layers, or several where stages are interleaved. */
export function stageViews(values: RunValues, model: ResolvedModel, stage: number): readonly RankView[] {
  const view = rankViewOf(values);
  const { pipeline: stages } = values.parallelism;
  if (stages === 1) return [view];
  const chunks = chunksOf(values);
  const layers = layersOf(model);
  const perChunk = Math.ceil(layers / (stages * chunks));
  return Array.from({ length: chunks }, (_, chunk): RankView => {
    const place = chunk * stages + stage;
    const part: PipelineStage = {
      from: place * perChunk,
      to: Math.min(layers, (place + 1) * perChunk),
      embeds: place === 0,
      hasHead: place === stages * chunks - 1,
    };
    return { ...view, stage: part };
  });
}

/**
 * Stages that may need most: the first has most micro-batches in flight and the embeddings, the last one has the head and
 * the loss. Those between have less than the first of everything.
 */
export const decisiveStages = ({ parallelism: { pipeline } }: RunValues): readonly number[] =>
  pipeline === 1 ? [0] : [0, pipeline - 1];
