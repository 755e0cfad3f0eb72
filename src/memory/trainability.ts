import type { Parameter } from '../model/module-tree.js';
import type { RunValues } from '../run/training-run.js';

/** Top-level modules that stay trainable when the backbone is frozen: the heads of common libraries. */
const HEADS: readonly string[] = ['classifier', 'fc', 'head', 'heads', 'score', 'lm_head', 'qa_outputs'];

/** Whether a parameter of the model itself (not of an adapter) is trained. */
export function isTrained({ path, frozen }: Parameter, { method }: RunValues['peft']): boolean {
  if (frozen) return false;
  if (method === 'none') return true;
  if (method !== 'frozen-backbone') return false;
  const top = path.split('.', 1)[0]!;
  return HEADS.some((head) => top.includes(head));
}
