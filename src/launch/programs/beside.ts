import { AS_THE_POLICY } from '../../run/device-runs.js';
import type { Task } from '../../run/training-run.js';
import type { Options } from '../options/option.js';
import { OptionReader } from '../options/option-reader.js';
import type { RunDraft } from '../run-draft.js';
import { readModelName } from './hf/model.js';

interface From {
  of: string;
  note?: string;
}

/** A reader of the same options into a further run. */
export function readerBeside(options: Options, draft: RunDraft, role: string): OptionReader {
  return new OptionReader(options, draft.beside(role));
}

/** A model that is held frozen and runs forward: a reference, a reward model, a teacher. */
export function evaluates(draft: RunDraft, task: Task, from: From): void {
  draft.default('activity', 'forward', from);
  draft.default('task', task, { of: from.of, note: 'what its outputs are used for' });
  if (task === 'sequence-classification') draft.default('numClasses', 1, { of: from.of, note: 'a score' });
}

/** A value model: a score for each token. */
export function scoresTokens(draft: RunDraft, from: From): void {
  draft.default('activity', 'train', from);
  draft.default('task', 'token-classification', { of: from.of, note: 'a value for each token' });
  draft.default('numClasses', 1, { of: from.of, note: 'a value for each token' });
}

/** The frozen weights of a policy that trains an adapter: turned off, it is its own reference. */
export function withoutAdapter(draft: RunDraft, of: string): void {
  draft.default('sharing.borrowsWeights', true, { of, note: 'the policy with its adapter turned off' });
}

/** An engine of vLLM or SGLang. */
export function generates(draft: RunDraft, from: From): void {
  draft.default('activity', 'generate', from);
  draft.default('task', 'causal-lm', { of: from.of, note: 'it generates' });
  draft.default('parallelism.sharding', 'none', { of: from.of, note: 'whole, but for tensor parallelism' });
}

/** The engine's share of each device, and over how many devices its model is spread. */
export function readEngine(
  reader: OptionReader,
  names: { share: readonly string[]; tensor: readonly string[] },
  defaults: { share: number; tensor: number; of: string },
): void {
  const { draft } = reader;
  reader.number('sharing.deviceShare', ...names.share);
  reader.count('parallelism.tensor', ...names.tensor);
  if (!draft.isOpen('sharing.deviceShare')) draft.default('sharing.deviceShare', defaults.share, { of: defaults.of });
  draft.default('parallelism.tensor', defaults.tensor, { of: defaults.of });
}

/** Another model by name, where one is given; else it is the trained one's. */
export function readOtherModel(reader: OptionReader, ...names: readonly string[]): void {
  readModelName(reader, reader.draft, ...names);
}

/** What is trained beside is trained as the first one is. */
export function trainedAlike(other: RunDraft, main: RunDraft, of: string): void {
  for (const field of ALIKE) {
    const value = main.value(field);
    if (value !== undefined) other.default(field, value, { of, note: AS_THE_POLICY });
  }
}

const ALIKE = ['activationCheckpointing', 'optimizer.name', 'optimizer.implementation', 'gradientClipping'] as const;

/** A sample of preference training is a pair of answers, which run in one pass. */
export function pairsAnswers(draft: RunDraft): void {
  draft.derive('rowsPerSample', 2, ['program'], 'chosen and rejected answers run together');
}
