import { z } from 'zod';
import { loadFacts } from '../advisor/facts.js';
import { readInventoryDocument } from '../inventory/inventory-document.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import { ProblemError } from './problem.js';

/** GPUs that somebody asks about instead of those of the cluster, as `NAME` or `NAME:COUNT`. */
export const gpuSchema = z
  .string()
  .max(200)
  .regex(/^[^:]+(:[1-9]\d{0,2})?$/, 'expected NAME or NAME:COUNT, such as a100-40gb:8')
  .optional()
  .describe('Assess against one node with these GPUs instead, such as `a100-40gb:8`');

const facts = loadFacts();

/** An inventory of one node with the GPUs asked about. Throws ProblemError for a GPU that the catalog does not know. */
export function askedInventory(gpu: string): InventorySnapshot {
  const [name = '', count = '1'] = gpu.split(':');
  const { gpus } = facts;
  const known = gpus.find(name);
  if (known === null) {
    throw new ProblemError(404, `No GPU "${name}" is known.`, [
      { field: 'gpu', problem: 'give a name as nvidia-smi prints it, or a short one such as a100-80gb, h100, l4' },
    ]);
  }
  const devices = [{ node: 'asked', model: known.model, count: Number(count), vendor: known.vendor }];
  const document = { apiVersion: 'plimsoll.dev/v1', kind: 'Inventory', devices };
  return readInventoryDocument(document, { file: 'gpu', nowMs: Date.now(), gpus });
}
