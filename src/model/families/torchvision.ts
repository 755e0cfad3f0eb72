import { ConfigReader } from '../config-reader.js';
import type { Architecture } from '../definition.js';
import type { ResolvedModel } from '../resolved-model.js';
import { RESNETS, resnet } from './resnet.js';
import { VGGS, vgg } from './vgg.js';

const IMAGENET_CLASSES = 1000;

type Constructor = (name: string, classes: number) => Architecture;

/** Constructors of torchvision (and the same networks of timm) by name. */
const CONSTRUCTORS: ReadonlyMap<string, Constructor> = new Map([
  ...Object.entries(RESNETS).map(
    ([name, shape]) => [name, (_: string, classes: number) => resnet(name, shape, classes)] as const,
  ),
  ...VGGS.map((name) => [name, vgg] as const),
]);

/** An image model by its constructor's name; throws UnsupportedModel where it is not covered. */
export function torchvision(model: ResolvedModel): Architecture {
  const config = new ConfigReader(model);
  const name = config.text(['architecture', 'name'], model.name).split('.')[0]!;
  const construct = CONSTRUCTORS.get(name);
  if (construct === undefined) throw config.unsupported(`image model "${name}" is not covered`);
  return construct(name, config.size(['num_classes', 'num_labels'], IMAGENET_CLASSES));
}
