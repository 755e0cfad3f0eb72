import type { OptionReader } from '../../options/option-reader.js';
import type { Option, Options } from '../../options/option.js';
import { asText, asTexts } from '../../options/option.js';
import type { RunDraft } from '../../run-draft.js';

/** Puts a model's name, as written, into the run. */
export function readModelName(reader: OptionReader, draft: RunDraft, ...names: readonly string[]): void {
  const found = reader.text('model', ...names);
  if (found) draft.read('model', { name: found.value.slice(0, 300), catalogId: null, config: null }, found.place);
}

export interface LoraDefaults {
  of: string;
  rank: number;
  dropout: number;
}

/** PEFT's own defaults (peft/tuners/lora/config.py). */
export const PEFT_LORA: LoraDefaults = { of: 'peft', rank: 8, dropout: 0 };
/** TRL's ModelConfig (trl/trainer/model_config.py). */
export const TRL_LORA: LoraDefaults = { of: 'trl', rank: 16, dropout: 0.05 };

/** LoRA by the option names of TRL's ModelConfig, which many scripts share. */
export function readLora(reader: OptionReader, draft: RunDraft, defaults: LoraDefaults): void {
  const dora = reader.truth('peft.method', 'use_dora');
  const on = reader.truth('peft.method', 'use_peft', 'use_lora', 'lora', 'lora_enable');
  if (dora?.value) draft.read('peft.method', 'dora', dora.place);
  if (on) draft.read('peft.method', on.value ? 'lora' : 'none', on.place);
  readLoraShape(reader, draft, defaults);
}

const LORA_SWITCHES = ['use_peft', 'use_lora', 'lora', 'lora_enable', 'use_dora'] as const;

/** In a script of somebody's own without a switch, a rank of an adapter says that one is trained. */
export function readAdapterRank(options: Options, draft: RunDraft): void {
  const rank = options.find('lora_r', 'lora_rank');
  if (rank && !options.has(...LORA_SWITCHES)) draft.read('peft.method', 'lora', rank.place);
}

/** Rank, dropout and targets where an adapter is trained. */
export function readLoraShape(reader: OptionReader, draft: RunDraft, { of, rank, dropout }: LoraDefaults): void {
  const method = draft.value('peft.method');
  if (method !== 'lora' && method !== 'dora') return;
  reader.count('peft.rank', 'lora_r', 'lora_rank', 'r');
  if (!draft.isOpen('peft.rank')) draft.default('peft.rank', rank, { of });
  reader.number('peft.dropout', 'lora_dropout');
  draft.default('peft.dropout', dropout, { of });
  targets(reader.options.find('lora_target_modules', 'lora_target', 'target_modules'), draft);
  const saved = reader.options.find('lora_modules_to_save', 'modules_to_save', 'additional_target');
  const names = asTexts(saved);
  if (names) draft.read('peft.modulesToSave', names.slice(0, 100), saved?.place ?? null);
}

/** The modules that an adapter is put on, as every configuration of peft names them. */
export function readTargetModules(reader: OptionReader, draft: RunDraft): void {
  targets(reader.options.find('target_modules'), draft);
}

const ALL_LINEAR: ReadonlySet<string> = new Set(['all-linear', 'all', 'all_linear']);

function targets(option: Option | undefined, draft: RunDraft): void {
  const names = asTexts(option);
  if (option?.unresolved) draft.leaveOpen('peft.targetModules', option.unresolved);
  if (!option || !names || names.length === 0) {
    draft.default('peft.targetModules', null, { of: 'peft', note: 'PEFT has a list for each model type' });
    return;
  }
  const isAll = names.length === 1 && ALL_LINEAR.has(asText(option) ?? names[0] ?? '');
  draft.read('peft.targetModules', isAll ? 'all-linear' : names.slice(0, 100), option.place);
}

/** bitsandbytes by the option names of TRL's ModelConfig; `quantType` is the type of 4 bit where nothing is said. */
export function readQuantization(reader: OptionReader, draft: RunDraft, quantType: 'nf4' | 'nf4-double' | 'fp4'): void {
  const eight = reader.truth('quantization', 'load_in_8bit');
  const four = reader.truth('quantization', 'load_in_4bit');
  if (eight?.value) draft.read('quantization', 'int8', eight.place);
  if (four?.value) draft.read('quantization', fourBit(reader, quantType), four.place);
}

function fourBit(reader: OptionReader, quantType: 'nf4' | 'nf4-double' | 'fp4'): string {
  const type =
    reader.word('quantization', { nf4: 'nf4', fp4: 'fp4' } as const, 'bnb_4bit_quant_type')?.value ?? quantType;
  const isDouble = reader.truth(
    'quantization',
    'use_bnb_nested_quant',
    'bnb_4bit_use_double_quant',
    'use_nested_quant',
  );
  return type === 'nf4' && isDouble?.value ? 'nf4-double' : type;
}
