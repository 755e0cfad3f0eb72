import type { Parameter } from '../model/module-tree.js';
import type { RunValues } from '../run/training-run.js';

/** Top-level modules that stay trainable when the backbone is frozen: the heads of common libraries. */
const HEADS: readonly string[] = ['classifier', 'fc', 'head', 'heads', 'score', 'lm_head', 'qa_outputs'];

/** Names of norms in the libraries' models (peft/utils/constants.py lists them by model type). */
const NORM = /norm|(^|\.)ln_/i;

/** Whether a parameter belongs to a norm that is trained: one of those named, or any. */
function isTrainedNorm(path: string, targets: RunValues['peft']['targetModules']): boolean {
  const owner = path.slice(0, path.lastIndexOf('.'));
  if (!Array.isArray(targets)) return NORM.test(owner);
  return targets.some((target) => owner === target || owner.endsWith(`.${target}`));
}

/** Whether a parameter of the model itself (not of an adapter) is trained. */
export function isTrained({ path, frozen }: Parameter, { method, targetModules }: RunValues['peft']): boolean {
  if (frozen) return false;
  if (method === 'none') return true;
  if (method === 'ln-tuning') return isTrainedNorm(path, targetModules);
  if (method === 'bitfit') return path.endsWith('.bias');
  if (method !== 'frozen-backbone') return false;
  const top = path.split('.', 1)[0]!;
  return HEADS.some((head) => top.includes(head));
}
