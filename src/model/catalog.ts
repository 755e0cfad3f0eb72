import { readConfigurationName } from './configuration-names.js';
import type { RecordedGraph } from './recorded/recorded-graph.js';
import type { ModelConfig, ResolvedModel } from './resolved-model.js';

/** A model as the catalog files hold it. */
export interface ModelRow {
  id: string;
  /** Other spellings, in lower case. */
  aliases: readonly string[];
  /** Hugging Face's `model_type`, or the library of an image model (`torchvision`, `timm`, `mmseg`, ...). */
  modelType: string;
  config: ModelConfig;
  /** Parameters, embeddings included; null where no source says and no formula is known. */
  params: number | null;
  /** Parameters that one token meets, for mixtures of experts. */
  paramsActive: number | null;
  /** Native resolution of image models: pixels a side, or height and width. */
  imageSize: number | readonly [number, number] | null;
  sources: readonly string[];
  /** Name of its recorded forward pass, where its family is recorded network by network. */
  recorded?: string;
  /** The recorded forward pass, read when it is first asked for; null where there is none. */
  graph?: () => RecordedGraph | null;
}

/** Gives the recorded graph of a model of an image library; null where there is none. */
export type GraphReader = (library: string, id: string) => RecordedGraph | null;

/** `catalog/models.json`, and `catalog/diffusion.json` of the same shape. */
export interface ModelsFile {
  models: readonly {
    id: string;
    aliases: readonly string[];
    modelType: string;
    config: ModelConfig;
    params?: number;
    paramsActive?: number;
    /** Native resolution of models that make or read images, pixels a side. */
    imageSize?: number;
    /** Library and name of its recorded graph, where its family is recorded. */
    graph?: readonly [library: string, name: string];
    sources: readonly string[];
  }[];
}

/** `catalog/vision.json`, and `catalog/openmmlab.json` with models by the names of their configurations. */
export interface VisionFile {
  sources: readonly string[];
  models: readonly {
    id: string;
    library: string;
    aliases: readonly string[];
    params?: number;
    imageSize?: number | readonly [number, number];
    numClasses?: number;
    /** Size of the largest batch, where whole batches are resized at random around `imageSize`. */
    resizedTo?: readonly [number, number];
    /** Its recorded graph, where models share one; its own id where left out. */
    graph?: string;
  }[];
}

/** What a name stands for, or the names nearest to it, which are searched for when they are asked for. */
export type ModelLookup = { row: ModelRow } | { row: null; closest: readonly string[] };

export interface ModelCatalog {
  /** Looks a model up by hub id, short name, alias or path; organisation and variant suffixes do not matter. */
  find(name: string): ModelLookup;
  /** Ids of the `count` models whose names are nearest to `name`, nearest first. */
  closest(name: string, count: number): readonly string[];
  readonly rows: readonly ModelRow[];
}

const LONGEST_NAME = 100;
const CLOSEST_OFFERED = 3;
/** Variants that share their dimensions with the base model. */
const SUFFIX = /-(instruct|chat|it|base|hf|awq|gptq|int4|int8|fp8|4bit|8bit|gguf|bnb|unsloth|bf16|fp16)$/;
/** Ways to write that a model comes from an image library. */
const LIBRARY_PREFIX =
  /^(?:hf[-_]hub:)?(torchvision|timm|mmseg|mmdet|mmyolo|mmaction|detectron2|ultralytics|yolov5)(?:\.models)?(?:\.detection|\.segmentation)?[./\s]/;

/** Lower case, dashes for underscores and spaces, no remarks in brackets, no organisation or folders. */
function normalise(name: string): string {
  const text = name.slice(-LONGEST_NAME).toLowerCase().split(' (')[0] ?? '';
  const path = text
    .trim()
    .replace(/[_\s]+/g, '-')
    .replace(/\/+$/, '');
  return path.slice(path.lastIndexOf('/') + 1);
}

/** A normalised name, then the same with one variant suffix less at a time. */
function* withoutSuffixes(name: string): Generator<string> {
  for (let text = name; ; text = text.replace(SUFFIX, '')) {
    yield text;
    if (!SUFFIX.test(text)) return;
  }
}

const rowOfTransformer = (model: ModelsFile['models'][number], graphs: GraphReader): ModelRow => ({
  id: model.id,
  aliases: model.aliases,
  modelType: model.modelType,
  config: model.config,
  params: model.params ?? null,
  paramsActive: model.paramsActive ?? null,
  imageSize: model.imageSize ?? null,
  sources: model.sources,
  ...(model.graph === undefined ? {} : { recorded: model.graph[1], graph: graphNamed(graphs, model.graph) }),
});

const graphNamed =
  (graphs: GraphReader, [library, name]: readonly [string, string]) =>
  (): RecordedGraph | null =>
    graphs(library, name);

interface VisionSources {
  sources: readonly string[];
  graphs: GraphReader;
}

/** By how much the largest batch is larger than the images that the pipeline makes. */
function resizing({ imageSize, resizedTo }: VisionFile['models'][number]): ModelConfig {
  if (resizedTo === undefined || !Array.isArray(imageSize)) return {};
  const [height] = imageSize as readonly [number, number];
  return { batch_resized_by: resizedTo[0] / height };
}

const rowOfVision = (model: VisionFile['models'][number], { sources, graphs }: VisionSources): ModelRow => ({
  id: model.id,
  aliases: model.aliases,
  modelType: model.library,
  config: {
    architecture: model.id,
    ...(model.numClasses === undefined ? {} : { num_classes: model.numClasses }),
    ...resizing(model),
  },
  params: model.params ?? null,
  paramsActive: null,
  imageSize: model.imageSize ?? null,
  sources,
  graph: () => graphs(model.library, model.graph ?? model.id),
});

/**
 * The model catalog over the contents of `catalog/models.json` and `catalog/vision.json`. Where two rows answer to one
 * name the first wins: transformers before torchvision before timm, unless the name says which library it is from.
 */
export function createModelCatalog(
  models: ModelsFile,
  vision: VisionFile,
  graphs: GraphReader = () => null,
): ModelCatalog {
  const rows = [
    ...models.models.map((model) => rowOfTransformer(model, graphs)),
    ...vision.models.map((model) => rowOfVision(model, { sources: vision.sources, graphs })),
  ];
  const byName = new Map<string, ModelRow>();
  const byLibrary = new Map<string, ModelRow>();
  for (const row of rows) {
    byLibrary.set(`${row.modelType}/${normalise(row.id)}`, row);
    for (const name of [row.id, ...row.aliases].map(normalise)) {
      if (!byName.has(name)) byName.set(name, row);
    }
  }
  const configurations = configurationFinder(rows);
  const closest = (name: string, count: number): readonly string[] => nearest(normalise(name), byName, count);
  return {
    rows,
    closest,
    find(name) {
      const library = LIBRARY_PREFIX.exec(name)?.[1];
      const bare = normalise(name.replace(LIBRARY_PREFIX, ''));
      const inLibrary = library === undefined ? undefined : byLibrary.get(`${library}/${bare.replace(/\..*$/, '')}`);
      if (inLibrary) return { row: inLibrary };
      for (const text of withoutSuffixes(bare)) {
        const row = byName.get(text);
        if (row) return { row };
      }
      const configured = configurations(name);
      if (configured) return { row: configured };
      return {
        row: null,
        get closest() {
          return closest(name, CLOSEST_OFFERED);
        },
      };
    },
  };
}

/** Libraries whose models go by the names of their training configurations. */
const CONFIGURED: ReadonlySet<string> = new Set([
  'mmdet',
  'mmseg',
  'mmyolo',
  'mmaction',
  'detectron2',
  'maskrcnn-benchmark',
]);

/**
 * Finds models by what the name of a configuration says of the model; batch, schedule, crop and data set may be others
 * than those of the row, or missing. The data set that the name does say gives the number of classes.
 */
function configurationFinder(rows: readonly ModelRow[]): (name: string) => ModelRow | null {
  const strict = new Map<string, ModelRow>();
  const loose = new Map<string, ModelRow>();
  const loosest = new Map<string, ModelRow>();
  for (const row of rows) {
    if (!CONFIGURED.has(row.modelType)) continue;
    const read = readConfigurationName(row.id);
    if (!strict.has(read.strict)) strict.set(read.strict, row);
    if (!loose.has(read.loose)) loose.set(read.loose, row);
    if (!loosest.has(read.loosest)) loosest.set(read.loosest, row);
  }
  return (name) => {
    const read = readConfigurationName(name);
    const row = strict.get(read.strict) ?? loose.get(read.loose) ?? loosest.get(read.loosest);
    if (row === undefined) return null;
    return read.classes === null ? row : { ...row, config: { ...row.config, num_classes: read.classes } };
  };
}

/** The row as a model whose architecture can be written; `name` as the person wrote it is not kept. */
export const resolvedModelOf = (row: ModelRow): ResolvedModel => ({
  name: row.id,
  modelType: row.modelType,
  config: row.config,
  ...(row.graph === undefined ? {} : { graph: row.graph }),
});

/** Ids by falling likeness; names further away than half of their length are no help and left out. */
function nearest(name: string, byName: ReadonlyMap<string, ModelRow>, count: number): readonly string[] {
  const furthest = Math.floor(name.length / 2);
  const distances = new Map<string, number>();
  for (const [other, row] of byName) {
    if (Math.abs(other.length - name.length) > furthest) continue;
    const distance = editDistance(name, other, furthest);
    if (distance <= furthest && distance < (distances.get(row.id) ?? Infinity)) distances.set(row.id, distance);
  }
  const ordered = [...distances].sort(([a, near], [b, far]) => near - far || (a < b ? -1 : 1));
  return ordered.slice(0, count).map(([id]) => id);
}

/** Levenshtein's distance, given up (as `most` + 1) once it must exceed `most`. */
function editDistance(a: string, b: string, most: number): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const changed = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      const cost = Math.min(changed, previous[j]! + 1, current[j - 1]! + 1);
      current.push(cost);
      if (cost < least) least = cost;
    }
    if (least > most) return most + 1;
    previous = current;
  }
  return previous[b.length]!;
}
