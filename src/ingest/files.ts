import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { isInventoryFile, readInventoryFiles, readInventoryParts } from '../inventory/files.js';
import type { InventoryFile } from '../inventory/files.js';
import { UnreadableInventory } from '../inventory/inventory-document.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import type { GpuLookup } from '../inventory/reading.js';
import type { Collected, InventorySource } from './sources.js';

/** Far beyond any real cluster's node list. */
const MAX_FILE_BYTES = 256 * 1024 ** 2;
const MAX_FILES = 20_000;

/**
 * The inventory in a file or a folder: an inventory document, or exposition texts and Kubernetes objects.
 * Throws UnreadableInventory, naming the file and what is wrong with it.
 */
export async function readInventoryPath(
  path: string,
  context: { nowMs: number; gpus: GpuLookup },
): Promise<InventorySnapshot> {
  return readInventoryFiles(await filesAt(path), context);
}

/** A folder of exposition texts and Kubernetes objects, read anew at every collection: a cluster to try things on. */
export function folder(path: string): InventorySource {
  return {
    name: 'files',
    async collect({ gpus, now }): Promise<Collected> {
      const started = performance.now();
      const result = { target: path, malformedLines: 0 };
      try {
        const parts = readInventoryParts(await filesAt(path), { nowMs: now(), gpus });
        const durationMs = performance.now() - started;
        return { ...parts, results: [{ ...result, outcome: 'ok', problem: null, durationMs }] };
      } catch (error) {
        const problem = (error as Error).message;
        const durationMs = performance.now() - started;
        return { readings: [], nodes: null, results: [{ ...result, outcome: 'unreadable', problem, durationMs }] };
      }
    },
  };
}

async function filesAt(path: string): Promise<readonly InventoryFile[]> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw new UnreadableInventory(path, error.code === 'ENOENT' ? 'there is no such file or folder' : error.message);
  });
  if (!found.isDirectory()) return [await fileAt(path)];
  const names = (await readdir(path)).filter(isInventoryFile).sort();
  if (names.length === 0) throw new UnreadableInventory(path, 'no *.prom, *.json or *.yaml files in it');
  if (names.length > MAX_FILES) throw new UnreadableInventory(path, `more than ${MAX_FILES} files in it`);
  return Promise.all(names.map((name) => fileAt(join(path, name))));
}

async function fileAt(path: string): Promise<InventoryFile> {
  const { size } = await stat(path);
  if (size > MAX_FILE_BYTES) throw new UnreadableInventory(path, `larger than ${MAX_FILE_BYTES} bytes`);
  return { name: basename(path), text: await readFile(path, 'utf8') };
}
