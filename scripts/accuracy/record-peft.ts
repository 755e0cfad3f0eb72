import { frameworkDefaults } from './framework-defaults.js';
import type { MeasuredRun } from './measured-run.js';
import { peftMethodSchema } from '../../src/run/training-run.js';
import { adapterWeightsOf } from './record-settings.js';
import type { RunValues, SettingsOf } from './settings.js';
import { byDefault, stated } from './settings.js';

type Peft = RunValues['peft'];

const METHODS: readonly (readonly [RegExp, Peft['method']])[] = [
  [/^$|^(none|full|full-finetuning)$/i, 'none'],
  ...peftMethodSchema.options
    .filter((method) => !['none', 'lora', 'adapter', 'prefix', 'prompt'].includes(method))
    .map((method) => [new RegExp(`^${method.replace(/-/g, '[-_]?')}$`, 'i'), method] as const),
  [/^bone$/i, 'miss'],
  [/dora/i, 'dora'],
  [/lora/i, 'lora'],
  [/adapter/i, 'adapter'],
  [/ia3/i, 'ia3'],
  [/p[-_]?tuning/i, 'p-tuning'],
  [/prompt/i, 'prompt'],
  [/prefix/i, 'prefix'],
];

/** Methods that have no name of their own in a training run add small layers of some kind. */
const OTHER: Peft['method'] = 'adapter';

/** Names of the same layers in litgpt's and torchtune's configurations, in those of Hugging Face's Llama. */
const MODULE_NAMES: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  litgpt: {
    query: ['q_proj'],
    key: ['k_proj'],
    value: ['v_proj'],
    projection: ['o_proj'],
    mlp: ['gate_proj', 'up_proj', 'down_proj'],
    head: ['lm_head'],
    'attn q': ['q_proj'],
    'attn v': ['v_proj'],
  },
  torchtune: {
    w1: ['gate_proj'],
    w2: ['down_proj'],
    w3: ['up_proj'],
    output_proj: ['o_proj'],
    output: ['lm_head'],
  },
};

/** peft trains these whole, weights and states: they are written with `(full)` behind. */
const WHOLE = / \(full\)$/;

/** One name, all layers, or a description in words, which names none: then those that scripts adapt by default. */
function namedTarget(text: string): 'all-linear' | [string] | null {
  if (/^all/i.test(text)) return 'all-linear';
  return /\s/.test(text) ? null : [text.slice(0, 300)];
}

function targetsOf(record: MeasuredRun): Peft['targetModules'] {
  const targets = record.peft?.target_modules ?? null;
  if (targets === null) return null;
  if (typeof targets === 'string') return namedTarget(targets);
  const names = MODULE_NAMES[frameworkDefaults(record).name] ?? {};
  return targets.filter((name) => !WHOLE.test(name)).flatMap((name) => names[name] ?? [name]);
}

/** Low-rank adapters and the like, as the record states them. */
export function peftOf(record: MeasuredRun): SettingsOf<Peft> {
  const { peft } = record;
  const type = peft?.type ?? '';
  return {
    method: stated(METHODS.find(([pattern]) => pattern.test(type))?.[1] ?? OTHER, 'peft.type', type),
    rank: stated(peft?.rank ?? null, 'peft.rank'),
    dropout: byDefault(frameworkDefaults(record).adapterDropout ?? 0.05, record.framework),
    targetModules: stated(targetsOf(record), 'peft.target_modules', peft?.target_modules ?? null),
    modulesToSave: stated(wholeModulesOf(record), 'peft.target_modules'),
    weights: adapterWeightsOf(record),
  };
}

function wholeModulesOf({ peft }: MeasuredRun): string[] {
  const targets = peft?.target_modules;
  if (!Array.isArray(targets)) return [];
  return (targets as readonly string[]).filter((name) => WHOLE.test(name)).map((name) => name.replace(WHOLE, ''));
}
