import type { SavePolicy } from './autograd/kept-outputs.js';

/** Results that are worth keeping: attention, and what took communication to make. */
const KEPT: ReadonlySet<string> = new Set([
  'scaled_dot_product_flash_attention',
  'scaled_dot_product_efficient_attention',
  'reduce_scatter',
]);

/** Products without a bias, in whatever type: a policy sees `mm` before a float8 tensor turns it into `scaled_mm`. */
const PRODUCTS: ReadonlySet<string> = new Set(['mm', 'scaled_mm']);

/**
 * torchtitan's selective checkpointing by operations (torchtitan/models/llama3/parallelize.py of 2025, `_save_list` and
 * `_get_custom_policy`): attention, reduce-scatters and every second matrix product are kept, the rest is recomputed.
 */
export const everySecondProduct: SavePolicy = (operation, call) =>
  KEPT.has(operation) || (PRODUCTS.has(operation) && call % 2 === 1);

/** Whether the policy decides about an operation at all: results of others are recomputed. */
export const isProduct = (operation: string): boolean => PRODUCTS.has(operation);
