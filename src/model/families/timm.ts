import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { recordedClassifier } from '../recorded/recorded-architecture.js';
import type { RecordedGraph } from '../recorded/recorded-graph.js';
import type { ResolvedModel } from '../resolved-model.js';
import { DENSENETS } from './densenet.js';
import { INCEPTION_RESNETS } from './inception-resnet.js';
import { RESNETS, SE_RESNETS } from './resnet.js';
import { TIMM_CONVNEXTS } from './timm-convnext.js';
import { TIMM_EFFICIENTNETS } from './timm-efficientnet.js';
import { TIMM_SWINS } from './timm-swin.js';
import { TIMM_VGGS } from './timm-vgg.js';
import { TIMM_VISION_TRANSFORMERS } from './timm-vision-transformer.js';

const IMAGENET_CLASSES = 1000;

/** Constructors of timm by name; residual and dense networks are the same as torchvision's, operation by operation. */
export const TIMM_CLASSIFIERS: Readonly<Record<string, ClassifierConstructor>> = {
  ...DENSENETS,
  ...INCEPTION_RESNETS,
  ...RESNETS,
  ...SE_RESNETS,
  ...TIMM_CONVNEXTS,
  ...TIMM_EFFICIENTNETS,
  ...TIMM_SWINS,
  ...TIMM_VGGS,
  ...TIMM_VISION_TRANSFORMERS,
};

/** Whether a recording says which layers are run again under checkpointing, at any image size. */
const knowsLayers = (graph: RecordedGraph | null): boolean =>
  graph?.image.allowed === 'any' && (graph.blocks?.length ?? 0) > 0;

/** An image model of timm by its constructor's name; throws UnsupportedModel where it is not covered. */
export function timm(model: ResolvedModel): Architecture {
  const config = new ConfigReader(model);
  const name = config.text(['architecture', 'name'], model.name).split('.')[0]!;
  const classes = config.size(['num_classes', 'num_labels'], IMAGENET_CLASSES);
  const graph = model.graph?.() ?? null;
  const written = Object.hasOwn(TIMM_CLASSIFIERS, name) ? TIMM_CLASSIFIERS[name]!(name, classes) : null;
  if (written !== null && (written.root.blocks.length > 0 || !knowsLayers(graph))) return written;
  if (graph === null) throw config.unsupported(`image model "${name}" of timm is not covered`);
  return recordedClassifier(graph, { classes, image: model.image ?? [graph.image.size, graph.image.size] });
}
