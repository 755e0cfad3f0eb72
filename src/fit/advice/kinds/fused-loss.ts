import { canWrite } from '../program-flags.js';
import { SHORT_OF_MEMORY } from '../proposal.js';
import type { AdviceKind } from '../proposal.js';

/** Model types with kernels: liger-kernel src/liger_kernel/transformers/monkey_patch.py, MODEL_TYPE_TO_APPLY_LIGER_FN. */
const LIGER_MODEL_TYPES = new Set([
  'gemma',
  'gemma2',
  'gemma3_text',
  'glm4',
  'granite',
  'llama',
  'mistral',
  'mixtral',
  'olmo2',
  'phi3',
  'qwen2',
  'qwen3',
  'qwen3_moe',
]);

/** Loss and head in one kernel, without the logits of the whole batch. */
export const fusedLoss: AdviceKind = {
  name: 'fused-loss',
  answers: SHORT_OF_MEMORY,
  price: 'speed',
  combines: true,
  ladder({ run, options, values: { task, loss, kernels }, modelType }) {
    if (!canWrite({ run, options }, 'loss')) return [];
    if (task !== 'causal-lm' || loss !== 'standard' || !LIGER_MODEL_TYPES.has(modelType ?? '')) return [];
    const edits = [
      { field: 'loss', value: 'fused-linear' },
      { field: 'kernels', value: [...new Set([...kernels, 'liger'])] },
    ] as const;
    return [{ edits, costs: ['needs the package liger-kernel in the image'] }];
  },
};
