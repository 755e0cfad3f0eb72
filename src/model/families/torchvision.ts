import type { Task } from '../../run/training-run.js';
import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { recordedClassifier } from '../recorded/recorded-architecture.js';
import type { ResolvedModel } from '../resolved-model.js';
import { openMmlab as recordedDetector } from './openmmlab.js';
import { ALEXNETS } from './alexnet.js';
import { DENSENETS } from './densenet.js';
import { CONVNEXTS } from './convnext.js';
import { GOOGLENETS } from './googlenet.js';
import { INCEPTIONS_V3 } from './inception-v3.js';
import { SHUFFLENETS } from './shufflenet.js';
import { EFFICIENTNETS } from './efficientnet.js';
import { MNASNETS } from './mnasnet.js';
import { MOBILENETS_V2 } from './mobilenet-v2.js';
import { MOBILENETS_V3 } from './mobilenet-v3.js';
import { REGNETS } from './regnet.js';
import { RESNETS } from './resnet.js';
import { SEGMENTATION_MODELS } from './segmentation.js';
import { SQUEEZENETS } from './squeezenet.js';
import { SWINS } from './swin.js';
import { VGGS } from './vgg.js';
import { VISION_TRANSFORMERS } from './vision-transformer.js';

/** Constructors of torchvision.models.detection, recorded from the batch to the loss. */
const DETECTOR = /rcnn_|^(?:retinanet|fcos|ssd|ssdlite)\d*_/;

const IMAGENET_CLASSES = 1000;
const VOC_CLASSES = 21;
const CLASSES = ['num_classes', 'num_labels'] as const;

/** Constructors of torchvision (and the same networks of timm) by name. */
export const TORCHVISION_CLASSIFIERS: Readonly<Record<string, ClassifierConstructor>> = {
  ...ALEXNETS,
  ...DENSENETS,
  ...CONVNEXTS,
  ...GOOGLENETS,
  ...INCEPTIONS_V3,
  ...SHUFFLENETS,
  ...EFFICIENTNETS,
  ...MNASNETS,
  ...MOBILENETS_V2,
  ...MOBILENETS_V3,
  ...REGNETS,
  ...RESNETS,
  ...SQUEEZENETS,
  ...SWINS,
  ...VGGS,
  ...VISION_TRANSFORMERS,
};

/** An image model by its constructor's name; throws UnsupportedModel where it is not covered for the task. */
export function torchvision(model: ResolvedModel, task: Task): Architecture {
  const config = new ConfigReader(model);
  const name = config.text(['architecture', 'name'], model.name).split('.')[0]!;
  if (DETECTOR.test(name)) return recordedDetector(model, task);
  const classify = found(TORCHVISION_CLASSIFIERS, name);
  if (classify !== undefined && task !== 'segmentation') return classify(name, config.size(CLASSES, IMAGENET_CLASSES));
  const graph = task === 'segmentation' ? null : (model.graph?.() ?? null);
  if (graph !== null) {
    const image = model.image ?? [graph.image.size, graph.image.size];
    return recordedClassifier(graph, { classes: config.size(CLASSES, IMAGENET_CLASSES), image });
  }
  const segment = found(SEGMENTATION_MODELS, name);
  if (segment === undefined) throw config.unsupported(`image model "${name}" is not covered for ${task}`);
  const auxiliary = config.flag('aux_loss', false);
  return segment(name, { classes: config.size(CLASSES, VOC_CLASSES), auxiliary });
}

const found = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;
