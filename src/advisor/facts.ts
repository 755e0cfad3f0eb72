import { readFileSync } from 'node:fs';
import type { GpuCatalog, GpusFile } from '../inventory/gpu-catalog.js';
import { createGpuCatalog } from '../inventory/gpu-catalog.js';
import type { ModelCatalog, ModelsFile, VisionFile } from '../model/catalog.js';
import { createModelCatalog } from '../model/catalog.js';

/** What is known before any manifest is read: models and GPUs. */
export interface Facts {
  readonly models: ModelCatalog;
  readonly gpus: GpuCatalog;
}

/** The catalog folder lies beside `src` and `dist`, two levels above this file in both. */
const CATALOG = new URL('../../catalog/', import.meta.url);

/** A file of the catalog. They are made by catalog/tools and part of the package, so their shape is taken as given. */
const readCatalog = <T>(file: string): T => JSON.parse(readFileSync(new URL(file, CATALOG), 'utf8')) as T;

/** Keeps what `make` returns the first time. */
function once<T>(make: () => T): () => T {
  let made: { value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** The facts of the package's catalog. Each file is read, synchronously, when it is first asked for. */
export function loadFacts(): Facts {
  const models = once(() =>
    createModelCatalog(readCatalog<ModelsFile>('models.json'), readCatalog<VisionFile>('vision.json')),
  );
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
