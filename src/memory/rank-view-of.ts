import type { ModelCode, RankView } from '../model/rank-view.js';
import type { RunValues } from '../run/training-run.js';

const CODES: readonly (readonly [RegExp, ModelCode])[] = [
  [/torchtitan/i, 'torchtitan'],
  [/megatron|nemo/i, 'megatron'],
  [/lit-?gpt/i, 'litgpt'],
  [/torchtune/i, 'torchtune'],
  [/nano-?gpt|own model code/i, 'plain'],
];

/**
 * In whose code a run's model is written. A model that is split by a program that is not known is split as torchtitan
 * does, by the plans of PyTorch's own tensor parallelism.
 */
export function modelCodeOf({ program, framework, parallelism }: RunValues): ModelCode {
  const names = `${program?.name ?? ''} ${framework.name}`;
  const known = CODES.find(([pattern]) => pattern.test(names))?.[1];
  if (known !== undefined) return known;
  if (parallelism.sharding === 'distributed-optimizer' || parallelism.pipeline > 1) return 'megatron';
  return parallelism.tensor > 1 || parallelism.context > 1 ? 'torchtitan' : 'transformers';
}

/** The part of the model that each rank of a run computes, before pipeline stages. */
export function rankViewOf(values: RunValues): RankView {
  const { tensor, sequence, context, expert } = values.parallelism;
  const adapted = values.peft.method !== 'none';
  return { code: modelCodeOf(values), adapted, tensor, sequence, context, expert, stage: null };
}
