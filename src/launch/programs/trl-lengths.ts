import type { OptionReader } from '../options/option-reader.js';
import { asCount } from '../options/option.js';
import { isAtLeast } from '../versions.js';
import type { ProgramContext } from './program.js';

/** Prompt and answer: 512 each by default, 256 for the answer before 1.10, and 53 in PPO (trl/trainer/*_config.py). */
export function readAnswerLength({ draft, options }: OptionReader, { versions }: ProgramContext, verb: string): void {
  const names = ['max_prompt_length', verb === 'ppo' ? 'response_length' : 'max_completion_length'];
  const [prompt, answer] = names.map((name) => options.find(name));
  const open = [prompt, answer].find((option) => option?.unresolved)?.unresolved;
  if (open) {
    draft.leaveOpen('sequenceLength', open);
    return;
  }
  const isOld = versions.get('trl') !== null && !isAtLeast(versions.get('trl'), '1.10.0');
  const usual = verb === 'ppo' ? 53 : isOld ? 256 : 512;
  const tokens = (asCount(prompt) ?? 512) + (asCount(answer) ?? usual);
  if (asCount(prompt) !== undefined && asCount(answer) !== undefined)
    draft.derive('sequenceLength', tokens, names, 'prompt and answer');
  else
    draft.assume(
      'sequenceLength',
      tokens,
      'prompt and answer; what is not given is the default, and prompts may be longer',
      {
        low: (asCount(prompt) ?? 128) + (asCount(answer) ?? usual),
        high: (asCount(prompt) ?? 1024) + (asCount(answer) ?? usual),
      },
    );
}
