import type { ModelCatalog, ModelRow } from '../model/catalog.js';

import type { ModelConfig, ResolvedModel } from '../model/resolved-model.js';
import { modelExample } from '../run/model-examples.js';
import type { ModelReference, RunValues, Task } from '../run/training-run.js';
import { NotEstimable } from './not-estimable.js';

const noModel = ({ task }: RunValues): NotEstimable =>
  new NotEstimable([{ field: 'model', reason: 'nothing says which model is trained', declare: modelExample(task) }]);

/**
 * The dimensions of the model of a run: those of its configuration, laid over those that the catalog has for its name.
 * Throws NotEstimable for no model, and for an unknown name without a configuration, with the closest names.
 */
export function resolveModel(values: RunValues, catalog: ModelCatalog): ResolvedModel {
  const { model } = values;
  if (model === null) throw noModel(values);
  const row = rowOf(model, values, catalog);
  const config = { ...row?.config, ...model.config };
  const modelType = config['model_type'] ?? row?.modelType;
  if (typeof modelType !== 'string') throw unknownModel(model, values, catalog);
  refuseBoundless(model, config);
  const named = { name: row?.id ?? model.name, modelType, config: { ...config, ...classesOf(values) } };
  return row?.graph === undefined ? named : { ...named, graph: row.graph, image: nativeImageSize(values, catalog) };
}

const classesOf = ({ numClasses }: RunValues): ModelConfig => (numClasses === null ? {} : { num_classes: numClasses });

/** Counts of modules: what a model is made of one by one. The deepest models that are known have some hundred layers, the widest some hundred experts. */
const COUNT = /layer|depth|block|expert/i;
const MOST_MODULES = 600;

/** A description may be hostile or mistyped: its modules are made one by one, so there may not be any number of them. */
function refuseBoundless(model: ModelReference, config: ModelConfig): void {
  const counts = Object.entries(config).flatMap(([key, value]) =>
    COUNT.test(key) && (Array.isArray(value) ? value : [value]).some((one) => Number(one) > MOST_MODULES) ? [key] : [],
  );
  const [key] = counts.filter((name) => !/size|dim|width|channels|freq|pattern|buckets/i.test(name));
  if (key === undefined) return;
  const reason = `${key} of "${model.name.slice(0, 100)}" is more than ${MOST_MODULES}, which no model has`;
  throw new NotEstimable([{ field: 'model', reason }]);
}

/** A configuration that says its family stands for itself; else the name, or the catalog's id, is looked up. */
function rowOf(model: ModelReference, values: RunValues, catalog: ModelCatalog): ModelRow | null {
  if (typeof model.config?.['model_type'] === 'string') return null;
  return foundRow(model, values, catalog);
}

/** Programs that take their models from one library: a bare name is that library's own, as `resnet50` or `vit_base_patch16_224`. */
const LIBRARY_OF_PROGRAM: Readonly<Record<string, string>> = {
  timm: 'timm',
  'torchvision-references': 'torchvision',
  'torchvision-detection': 'torchvision',
  'torchvision-segmentation': 'torchvision',
  'pytorch-imagenet': 'torchvision',
};

function foundRow({ catalogId, name }: ModelReference, { program }: RunValues, catalog: ModelCatalog): ModelRow | null {
  const library = LIBRARY_OF_PROGRAM[program?.id ?? ''];
  const own = library === undefined || /[/:]/.test(name) ? null : catalog.find(`${library}/${name}`).row;
  return own ?? catalog.find(catalogId ?? name).row;
}

function unknownModel(model: ModelReference, { task }: RunValues, catalog: ModelCatalog): NotEstimable {
  const closest = catalog.closest(model.name, 3);
  const hint = closest.length > 0 ? `; closest: ${closest.join(', ')}` : '';
  const name = model.name.slice(0, 100);
  return new NotEstimable([
    { field: 'model', reason: `"${name}" is not in the catalog${hint}`, declare: describedModel(name, task) },
  ]);
}

/** Tasks whose models come with a `config.json` that describes them whole. */
const NOT_BY_CONFIG: ReadonlySet<Task> = new Set(['image-classification', 'detection', 'segmentation', 'diffusion']);

/** Never the closest name: FLUX.1 and FLUX.2 are a letter apart, and another model's memory would be an answer that is wrong. */
function describedModel(name: string, task: Task): string {
  if (NOT_BY_CONFIG.has(task)) return 'model: <a name of docs/coverage.md that is built alike>';
  return `model: {name: ${name}, config: <the fields of its config.json, model_type among them>}`;
}

/** The image size that a run trains on where nothing says so: the model's own. */
export function nativeImageSize(values: RunValues, catalog: ModelCatalog): [number, number] | null {
  if (values.imageSize !== null || values.model === null) return values.imageSize;
  const size = foundRow(values.model, values, catalog)?.imageSize ?? null;
  if (size === null) return null;
  return typeof size === 'number' ? [size, size] : [...size];
}
