import type { Option } from '../options/option.js';
import { Options } from '../options/option.js';
import { environmentOption } from '../launchers/launcher.js';
import { assumeRest, COMMON_NAMES, readCommonOptions } from './generic.js';
import type { Invocation } from './invocation.js';
import type { ProgramContext, Recognition, TrainingProgram } from './program.js';
import { nameProgram } from './program.js';

/** Further names that variables have. */
const ALIASES: readonly (readonly [string, string])[] = [
  ['GRADIENT_ACCUMULATION_STEPS', 'gradient_accumulation_steps'],
  ['LORA_R', 'lora_r'],
  ['LORA_DROPOUT', 'lora_dropout'],
  ['TRAIN_BATCH_SIZE', 'train_batch_size'],
];

/** A program in the image that is told by variables such as MODEL_NAME and TRAIN_BATCH_SIZE what to train. */
export const imageEnvironment: TrainingProgram = {
  id: 'image-environment',
  name: 'program of the image, set by variables',
  step: null,
  builtOn: [],
  options: null,
  recognise({ name, kind, env }: Invocation): Recognition | null {
    if (env.size === 0 || (kind !== 'image' && !name.endsWith('.py'))) return null;
    const options = environmentOptions(env);
    return options.has(...COMMON_NAMES.model) && options.has(...COMMON_NAMES.batch) ? 'guess' : null;
  },
  read(context: ProgramContext): void {
    const { draft, invocation } = context;
    const name = invocation.kind === 'image' ? 'program of the image' : invocation.name;
    const guess =
      'the program is not known: variables are taken to mean what their names say, and that it reads them is not certain';
    nameProgram(context, { name, package: 'torch', guess });
    draft.note(guess);
    readCommonOptions(environmentOptions(invocation.env), context);
    assumeRest(context);
  },
};

function environmentOptions(env: Invocation['env']): Options {
  const names = [...Object.values(COMMON_NAMES).flat(), ...ALIASES.map(([, name]) => name)];
  return new Options(
    names.flatMap((name): Option[] => {
      const option = environmentOption(env, name.toUpperCase());
      return option ? [{ ...option, name }] : [];
    }),
  );
}
