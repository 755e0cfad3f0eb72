import type { OptionReader } from '../options/option-reader.js';
import { asBoolean, asText } from '../options/option.js';
import type { ByVersion } from '../versions.js';
import { defaultOf, isAtLeast } from '../versions.js';
import type { ProgramContext } from './program.js';
import { versionedDefault } from './program.js';

type Loss = 'standard' | 'chunked';

/** From here on the trainers named below score tokens by a kernel, also beside Liger's (trl/trainer/utils.py). */
const KERNEL = '1.15.0';

/** SFT's loss is chunked from 1.7 on, that of the others from 1.15 (trl/trainer/*_trainer.py). */
const SFT: ByVersion<Loss> = [
  ['0', 'standard'],
  ['1.7.0', 'chunked'],
];
const OTHERS: ByVersion<Loss> = [
  ['0', 'standard'],
  [KERNEL, 'chunked'],
];

const HISTORIES: Readonly<Record<string, ByVersion<Loss>>> = {
  sft: SFT,
  dpo: OTHERS,
  kto: OTHERS,
  grpo: OTHERS,
  rloo: OTHERS,
};

const SAID: Readonly<Record<string, Loss>> = { nll: 'standard', chunked_nll: 'chunked' };

/** How `trl VERB` computes its loss: over all logits, or over some at a time. */
export function readTrlLoss({ options, draft }: OptionReader, context: ProgramContext, verb: string): void {
  const history = Object.hasOwn(HISTORIES, verb) ? HISTORIES[verb] : undefined;
  const version = context.versions.get('trl');
  if (history === undefined) return draft.default('loss', 'standard', { of: 'trl', version });
  const liger = options.find('use_liger_kernel', 'use_liger');
  if (asBoolean(liger) && !isAtLeast(version, KERNEL)) return;
  const said = verb === 'sft' ? options.find('loss_type') : undefined;
  const loss = SAID[asText(said) ?? ''];
  if (loss !== undefined && !isAtLeast(version, KERNEL)) return draft.read('loss', loss, said?.place ?? null);
  versionedDefault(context, 'loss', { ...defaultOf(history, version), of: 'trl' });
}
