import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { isInventoryFile, readInventoryFiles } from '../../inventory/files.js';
import type { GpuCatalog } from '../../inventory/gpu-catalog.js';
import type { InventorySnapshot } from '../../inventory/inventory.js';
import { readFiles } from './read-files.js';

const isFolder = (path: string): boolean => statSync(path).isDirectory();

/**
 * The inventory at a path: an inventory document, one exposition text, or a folder of exposition texts with `kubectl get
 * nodes -o json` beside them. Throws UnreadableInventory and CliError.
 */
export function loadInventory(path: string, context: { gpus: GpuCatalog; nowMs: number }): InventorySnapshot {
  const files = readFiles(path, isInventoryFile);
  const named = path === '-' ? 'inventory.yaml' : null;
  const isSingle = path === '-' || !isFolder(path);
  return readInventoryFiles(
    files.map(({ name, text }) => ({ name: named ?? (isSingle ? basename(name) : name), text })),
    context,
  );
}
