import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import type { ResolvedModel } from '../resolved-model.js';
import type { ClassifierConstructor } from '../modules/image-classification.js';
import { MOBILENETS_V2 } from './mobilenet-v2.js';
import { RESNETS, resnet } from './resnet.js';
import { VGGS, vgg } from './vgg.js';

const IMAGENET_CLASSES = 1000;

/** Constructors of torchvision (and the same networks of timm) by name. */
const CONSTRUCTORS: ReadonlyMap<string, ClassifierConstructor> = new Map([
  ...Object.entries(RESNETS).map(
    ([name, shape]) => [name, (_: string, classes: number) => resnet(name, shape, classes)] as const,
  ),
  ...VGGS.map((name) => [name, vgg] as const),
  ...Object.entries(MOBILENETS_V2),
]);

/** An image model by its constructor's name; throws UnsupportedModel where it is not covered. */
export function torchvision(model: ResolvedModel): Architecture {
  const config = new ConfigReader(model);
  const name = config.text(['architecture', 'name'], model.name).split('.')[0]!;
  const construct = CONSTRUCTORS.get(name);
  if (construct === undefined) throw config.unsupported(`image model "${name}" is not covered`);
  return construct(name, config.size(['num_classes', 'num_labels'], IMAGENET_CLASSES));
}
