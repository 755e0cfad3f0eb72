import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import { recordedTraining } from '../recorded/recorded-architecture.js';
import type { ResolvedModel } from '../resolved-model.js';

/** YOLOX and its like resize whole batches at random (mmdet: BatchSyncRandomResize); the largest decides the peak. */
const batchScale = ({ config }: ResolvedModel): number => Number(config['batch_resized_by'] ?? 1);

/** A model of OpenMMLab, detectron2 or ultralytics by the name of its configuration; throws UnsupportedModel where none was recorded. */
export function openMmlab(model: ResolvedModel, task: Task): Architecture {
  const config = new ConfigReader(model);
  const graph = model.graph?.() ?? null;
  if (graph === null) throw config.unsupported(`no forward pass of "${model.name}" was recorded`);
  const [height, width] = model.image ?? [graph.image.size, graph.image.width ?? graph.image.size];
  const scale = batchScale(model);
  const classes = config.size(['num_classes', 'num_labels'], 1);
  const objects = config.size('most_objects', 0);
  return recordedTraining(graph, task, {
    classes,
    image: [Math.round(height * scale), Math.round(width * scale)],
    ...(objects === 0 ? {} : { objects }),
  });
}
