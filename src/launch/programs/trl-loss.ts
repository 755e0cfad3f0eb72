import type { SourcePlace } from '../../run/setting.js';
import type { OptionReader } from '../options/option-reader.js';
import type { Options } from '../options/option.js';
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
  if (hasLigerLoss(options, version)) return;
  const said = verb === 'sft' ? saidLoss(options, version) : undefined;
  if (said) return draft.read('loss', said.loss, said.place);
  versionedDefault(context, 'loss', { ...defaultOf(history, version), of: 'trl' });
}

/** Before the kernel, Liger's flag alone decides: its loss is fused. */
function hasLigerLoss(options: Options, version: string | null): boolean {
  return asBoolean(options.find('use_liger_kernel', 'use_liger')) === true && !isAtLeast(version, KERNEL);
}

/** What `loss_type` chooses; from the kernel on it says nothing of how the loss is computed. */
function saidLoss(options: Options, version: string | null): { loss: Loss; place: SourcePlace | null } | undefined {
  const said = options.find('loss_type');
  const loss = SAID[asText(said) ?? ''];
  return loss === undefined || isAtLeast(version, KERNEL) ? undefined : { loss, place: said?.place ?? null };
}
