import { uncovered } from '../../src/memory/coverage.js';
import type { RunValues } from '../../src/run/training-run.js';
import {
  attentionSchema,
  lossSchema,
  optimizerImplementationSchema,
  optimizerNameSchema,
  peftMethodSchema,
  precisionSchema,
  quantizationSchema,
  shardingSchema,
} from '../../src/run/training-run.js';
import { RUN_VALUES } from '../../test/builders/run.js';
import { literally } from './exercised.js';

/** One value of a setting. */
export interface Way {
  setting: string;
  value: string;
  /** null: memory is worked out with it; else why not. */
  covered: string | null;
  /** How it is named where it is exercised. */
  called: RegExp;
}

/** A run with which nothing stands in the way of an estimate: fine-tuning of a decoder on one device. */
const PLAIN: RunValues = RUN_VALUES;

/** Parameters are offloaded where they are sharded. */
const SHARDED = { sharding: 'fsdp-full', shardSize: 2, data: 2 } as const;

type Change = (value: string) => RunValues;
type Setting = readonly [
  setting: string,
  values: readonly string[],
  change: Change,
  called?: (value: string) => RegExp,
];

const withOptimizer = (change: Partial<RunValues['optimizer']>): RunValues => ({
  ...PLAIN,
  optimizer: { ...PLAIN.optimizer, ...change },
});
const withParallelism = (change: Partial<RunValues['parallelism']>): RunValues => ({
  ...PLAIN,
  parallelism: { ...PLAIN.parallelism, ...change },
});
const plainWith =
  (field: keyof RunValues): Change =>
  (value) => ({ ...PLAIN, [field]: value });

/** As specs write a value (`'ddp'`) or recorded runs name it (`"id": "llama_bf16_adamw_..."`). */
const asWritten = (value: string, recorded = ''): RegExp =>
  new RegExp(`'${literally(value)}'${recorded === '' ? '' : `|${recorded}`}`);
const segment = (name: string): string => `"id": ?"(?:[^"]*_|peft-)${name}(?:[_"-]|$)`;

const RECORDED: Readonly<Record<string, string>> = {
  'for-loop': segment('\\w+-forloop'),
  fused: segment('\\w+-fused'),
  foreach: segment('adamw_'),
  'fsdp-full': segment('fsdp\\d(?!-noreshard)'),
  'fsdp-grad-op': segment('fsdp\\d-noreshard'),
  lora: segment('lora\\d+'),
  'frozen-backbone': segment('frozen'),
  full: segment('ckpt'),
};

const recordedOr = (value: string): RegExp => asWritten(value, RECORDED[value] ?? segment(value));

const SETTINGS: readonly Setting[] = [
  ['precision', precisionSchema.options, plainWith('precision'), recordedOr],
  ['optimizer.name', optimizerNameSchema.options, (name) => withOptimizer({ name } as never), recordedOr],
  [
    'optimizer.implementation',
    optimizerImplementationSchema.options,
    (implementation) => withOptimizer({ implementation } as never),
    recordedOr,
  ],
  ['parallelism.sharding', shardingSchema.options, (sharding) => withParallelism({ sharding } as never), recordedOr],
  ...(['tensor', 'pipeline', 'context', 'expert'] as const).map((field): Setting => [
    `parallelism.${field}`,
    ['2'],
    () => withParallelism({ [field]: 2 }),
    () => new RegExp(`\\b${field}: [2-9]`),
  ]),
  ['activationCheckpointing', ['none', 'selective', 'full'], plainWith('activationCheckpointing'), recordedOr],
  ['attention', attentionSchema.options, plainWith('attention'), recordedOr],
  ['loss', lossSchema.options, plainWith('loss')],
  [
    'peft.method',
    peftMethodSchema.options,
    (method) => ({ ...PLAIN, peft: { ...PLAIN.peft, method } }) as RunValues,
    recordedOr,
  ],
  ['quantization', quantizationSchema.options, plainWith('quantization')],
  ...(['parameters', 'optimizer', 'activations'] as const).map((field): Setting => [
    `offload.${field}`,
    ['true'],
    () => ({ ...withParallelism(SHARDED), offload: { ...PLAIN.offload, [field]: true } }),
    () => new RegExp(`${field}: true|"offload": ?true`),
  ]),
  ['ema', ['true'], () => ({ ...PLAIN, ema: true })],
];

/** Values that leave memory as it is, or are what a run has where nothing else is said: they need no test of their own. */
const isPlain = (setting: string, value: string): boolean => value === 'none' && setting !== 'parallelism.sharding';

/** Every value of the settings that decide how a training is run, and whether its memory is worked out. */
export function waysOfTraining(): readonly Way[] {
  return SETTINGS.flatMap(([setting, values, change, called]) =>
    values
      .filter((value) => !isPlain(setting, value))
      .map((value) => ({
        setting,
        value,
        covered: whyNot(change(value)),
        called: called?.(value) ?? asWritten(value),
      })),
  );
}

/** Why there is no estimate with these values; null where there is one. */
const whyNot = (values: RunValues): string | null => uncovered(values)[0]?.reason ?? null;
