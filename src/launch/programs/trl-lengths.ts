import type { Option } from '../options/option.js';
import type { OptionReader } from '../options/option-reader.js';
import { asCount } from '../options/option.js';
import { isAtLeast } from '../versions.js';
import type { ProgramContext } from './program.js';

/** Tokens of prompts where nothing says them: some hundred, and nothing cuts longer ones off from 0.28. */
const PROMPT = { low: 128, expected: 512, high: 1024 };
const REASON = 'prompt and answer; what is not given is the default, and prompts may be longer';

/** Prompt and answer: 512 each by default, 256 for the answer before 1.10, and 53 in PPO (trl/trainer/*_config.py). */
export function readAnswerLength({ draft, options }: OptionReader, context: ProgramContext, verb: string): void {
  const names = ['max_prompt_length', verb === 'ppo' ? 'response_length' : 'max_completion_length'];
  const [prompt, answer] = names.map((name) => options.find(name));
  const open = prompt?.unresolved ?? answer?.unresolved ?? null;
  if (open === null) putLength(draft, names, { prompt, answer, usual: usualAnswer(context, verb) });
  else draft.leaveOpen('sequenceLength', open);
}

interface Lengths {
  prompt: Option | undefined;
  answer: Option | undefined;
  usual: number;
}

function putLength(draft: OptionReader['draft'], names: readonly string[], { prompt, answer, usual }: Lengths): void {
  const [question, reply] = [asCount(prompt), asCount(answer) ?? usual];
  if (question !== undefined && asCount(answer) !== undefined)
    draft.derive('sequenceLength', question + reply, names, 'prompt and answer');
  else {
    const range = { low: (question ?? PROMPT.low) + reply, high: (question ?? PROMPT.high) + reply };
    draft.assume('sequenceLength', (question ?? PROMPT.expected) + reply, REASON, range);
  }
}

function usualAnswer({ versions }: ProgramContext, verb: string): number {
  if (verb === 'ppo') return 53;
  const version = versions.get('trl');
  return version !== null && !isAtLeast(version, '1.10.0') ? 256 : 512;
}
