import { readCommandLine } from '../../src/launch/options/command-line.js';
import type { Options } from '../../src/launch/options/option.js';
import { asCount } from '../../src/launch/options/option.js';
import { megatronConfig, MEGATRON_SWITCHES } from '../../src/launch/programs/megatron-config.js';
import { Tracked } from '../../src/launch/text/tracked.js';
import { frameworkDefaults } from './framework-defaults.js';
import type { MeasuredRun } from './measured-run.js';
import type { RunValues } from './settings.js';

/** Words, of which lists and layouts in brackets are one. */
const WORD = /\S*\([^)]*\)\S*|\[[^\]]*\]|\S+/g;

/** The options of a record whose framework is told the architecture on its command line; null for others. */
export function megatronOptions(record: MeasuredRun): Options | null {
  const command = record.command_or_config ?? '';
  if (frameworkDefaults(record).name !== 'megatron' || !command.startsWith('--')) return null;
  const words = (command.match(WORD) ?? []).map((text) => Tracked.made(text));
  return readCommandLine(words, { switches: MEGATRON_SWITCHES }).options;
}

/** The model of such a record by its dimensions; null where the command line does not hold them. */
export function megatronModel(record: MeasuredRun): RunValues['model'] {
  const options = megatronOptions(record);
  if (options === null || !options.has('num_layers')) return null;
  let complete = true;
  const config = megatronConfig(options, () => (complete = false));
  return complete ? { name: record.model.slice(0, 300), catalogId: null, config } : null;
}

/** Parts of the model on each rank of an interleaved pipeline. */
export function virtualStagesOf(record: MeasuredRun): number {
  const options = megatronOptions(record);
  const perStage = asCount(options?.find('num_layers_per_virtual_pipeline_stage'));
  const layers = asCount(options?.find('num_layers'));
  const noted = /VPP (\d+)/.exec(record.notes ?? '')?.[1];
  if (perStage === undefined || layers === undefined) return noted === undefined ? 1 : Number(noted);
  return Math.max(1, Math.floor(layers / (record.parallelism.pp ?? 1) / perStage));
}

/** Which stage of a pipeline a figure was read on, where the record says so. */
export const measuredStage = ({ notes }: MeasuredRun): 'last' | undefined =>
  /LAST rank only/.test(notes ?? '') ? 'last' : undefined;
