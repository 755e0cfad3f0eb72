import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import type { GpuCatalog, GpusFile } from '../inventory/gpu-catalog.js';
import { createGpuCatalog } from '../inventory/gpu-catalog.js';
import type { GraphReader, ModelCatalog, ModelsFile, VisionFile } from '../model/catalog.js';
import { createModelCatalog } from '../model/catalog.js';
import type { RecordedGraph } from '../model/recorded/recorded-graph.js';

/** What is known before any manifest is read: models and GPUs. */
export interface Facts {
  readonly models: ModelCatalog;
  readonly gpus: GpuCatalog;
}

/** The catalog folder lies beside `src` and `dist`, two levels above this file in both. */
const CATALOG = new URL('../../catalog/', import.meta.url);

/** A file of the catalog. They are made by catalog/tools and part of the package, so their shape is taken as given. */
const readCatalog = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, CATALOG), 'utf8')) as T;

/** Models that are described by dimensions. */
function readModels(): ModelsFile {
  const files = ['models.json', 'diffusion.json', 'recurrent.json'].map((file) => readCatalog<ModelsFile>(file));
  return { models: files.flatMap(({ models }) => models) };
}

/** Graphs that are kept once read: some tens cover what a cluster trains, and each holds some hundred kilobytes. */
const GRAPHS_KEPT = 32;

function readGraph(library: string, id: string): RecordedGraph | null {
  const file = new URL(`graphs/${library}/${encodeURIComponent(id)}.json.gz`, CATALOG);
  if (!existsSync(file)) return null;
  return JSON.parse(gunzipSync(readFileSync(file)).toString('utf8')) as RecordedGraph;
}

/** Reads recorded graphs one by one as they are asked for; `library` and `id` are those of a catalog row. */
function graphReader(): GraphReader {
  const kept = new Map<string, RecordedGraph | null>();
  return (library, id) => {
    const key = `${library}/${id}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const graph = readGraph(library, id);
    const [oldest] = kept.keys();
    if (kept.size >= GRAPHS_KEPT) kept.delete(oldest!);
    kept.set(key, graph);
    return graph;
  };
}

/** Image models by their constructors' names, then by the names of configurations. */
function imageModels(): VisionFile {
  const names = ['vision', 'torchvision-detectors', 'openmmlab', 'detectron2', 'ultralytics'];
  const files = names.map((name) => readCatalog<VisionFile>(`${name}.json`));
  return { ...files[0]!, models: files.flatMap(({ models }) => models) };
}

/** Keeps what `make` returns the first time. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** The facts of the package's catalog. Each file is read, synchronously, when it is first asked for. */
export function loadFacts(): Facts {
  const models = once(() => createModelCatalog(readModels(), imageModels(), graphReader()));
  const gpus = once(() => createGpuCatalog(readCatalog<GpusFile>('gpus.json')));
  return {
    get models() {
      return models();
    },
    get gpus() {
      return gpus();
    },
  };
}
