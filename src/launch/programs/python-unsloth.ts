import { optionsOfCall } from '../python/calls.js';
import type { PythonScope } from '../python/evaluate.js';
import type { Option } from '../options/option.js';
import { asBoolean, asText } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';

const OF = { of: 'unsloth' };

/** The layers that `get_peft_model` adapts where none are named (unsloth/models/llama.py). */
export const UNSLOTH_TARGETS = ['q_proj', 'k_proj', 'v_proj', 'o_proj', 'gate_proj', 'up_proj', 'down_proj'];

/**
 * Reads what Unsloth's `get_peft_model` brings along: its kernels, a loss without full logits, 16-bit weights beside the
 * quantised ones, and checkpoints, which `use_gradient_checkpointing="unsloth"`, the default, keeps in the host's memory.
 */
export function readUnsloth(scope: PythonScope, draft: RunDraft): void {
  const loads = scope.source.calls.some(({ name }) => /(?:^|\.)Fast\w*Model\.from_pretrained$/.test(name));
  if (!loads) return;
  const adapts = scope.source.calls.find(({ name }) => /(?:^|\.)Fast\w*Model\.get_peft_model$/.test(name));
  readCheckpoints(adapts && optionsOfCall(adapts, scope).find('use_gradient_checkpointing'), draft);
  draft.default('precision', 'bf16', { ...OF, note: 'bf16 where the device has it' });
  assumeUnslothLoss(draft);
  draft.default('kernels', ['unsloth'], OF);
  if (adapts && !optionsOfCall(adapts, scope).has('target_modules'))
    draft.default('peft.targetModules', UNSLOTH_TARGETS, OF);
}

/** `"unsloth"`, True or False; what cannot be read is taken for the default. */
function readCheckpoints(option: Option | undefined, draft: RunDraft): void {
  const told = option?.unresolved === null ? option : undefined;
  const away = told === undefined || asText(told) === 'unsloth';
  const checkpoints = !away && asBoolean(told) === false ? 'none' : 'full';
  if (told) draft.read('activationCheckpointing', checkpoints, told.place);
  draft.default('activationCheckpointing', checkpoints, OF);
  draft.default('offload.activations', away, { ...OF, note: "checkpoints of 'unsloth' go to the CPU" });
}

/** Recent releases fuse it with the last layer, piece by piece (unsloth_zoo/fused_losses); earlier ones hold all logits. */
export function assumeUnslothLoss(draft: RunDraft): void {
  draft.assume('loss', 'fused-linear', 'recent releases of unsloth fuse the loss with the last layer', {
    low: 'fused-linear',
    high: 'standard',
  });
}
