import type { Precision } from '../../../run/training-run.js';
import { OptionReader } from '../../options/option-reader.js';
import type { Found } from '../../options/option-reader.js';
import type { Option } from '../../options/option.js';
import { asBoolean, asOptions, asText, Options } from '../../options/option.js';
import { readStructured } from '../../options/structured.js';
import { findDeepSpeedConfig, readDeepSpeedConfig } from '../../settings/deepspeed-config.js';
import { assumeNamedSharding } from '../../settings/sharding-files.js';
import { readAccelerateFsdp, readCheckpointing, readTrainerFsdp } from '../../settings/fsdp.js';
import { Tracked } from '../../text/tracked.js';
import { isAtLeast } from '../../versions.js';
import type { ProgramContext } from '../program.js';

/** How the training is sharded, as far as precision depends on it. */
export interface ShardingRead {
  engine: 'deepspeed' | 'fsdp' | 'none';
  /** What the DeepSpeed configuration says of precision; null: it leaves that to the arguments. */
  precision: Found<Precision> | null;
}

/** Sharding of a Trainer run: its own arguments first, then what accelerate says. */
export function readTrainerSharding(reader: OptionReader, context: ProgramContext): ShardingRead {
  const { options } = reader;
  const deepspeed = options.find('deepspeed');
  if (deepspeed && deepspeed.value !== null && deepspeed.value !== false) return deepSpeed(deepspeed, context);
  if (readTrainerFsdp(options.find('fsdp'), context.draft)) return trainerFsdp(options.find('fsdp_config'), context);
  return readAccelerateSharding(context, options);
}

/**
 * Sharding as accelerate's flags and configuration file say it. `own`: the program's own arguments, which say some of
 * what a file that cannot be read may say.
 */
export function readAccelerateSharding(context: ProgramContext, own: Options = new Options()): ShardingRead {
  const { draft } = context;
  const settings = context.says.settings ?? new Options();
  const reader = new OptionReader(settings, draft);
  if (asBoolean(settings.find('use_deepspeed'))) return accelerateDeepSpeed(reader, context);
  if (!asBoolean(settings.find('use_fsdp'))) return unread(context, settings, own);
  readAccelerateFsdp(reader, draft);
  return { engine: 'fsdp', precision: null };
}

/** A configuration file that could not be read may shard, offload, checkpoint and set the precision. */
function unread({ draft, says }: ProgramContext, settings: Options, own: Options): ShardingRead {
  const { unread: reason } = says;
  if (reason === undefined) return { engine: 'none', precision: null };
  const asks = (...names: string[]): boolean => names.some((name) => asBoolean(own.find(name)) === true);
  const engine = assumeNamedSharding(asText(settings.find('config_file')) ?? '', reason, draft);
  if (engine === null) draft.leaveOpen('parallelism.sharding', reason);
  if (!asks('bf16', 'fp16') && !settings.has('mixed_precision')) draft.leaveOpen('precision', reason);
  if (engine === 'fsdp' && !asks('gradient_checkpointing'))
    draft.assume('activationCheckpointing', 'none', reason, { low: 'full', high: 'none' });
  return { engine: engine ?? 'none', precision: null };
}

function deepSpeed(option: Option, context: ProgramContext): ShardingRead {
  const { files, invocation, draft } = context;
  const config = findDeepSpeedConfig(option, files, { cwd: invocation.cwd, draft });
  return { engine: 'deepspeed', precision: config ? readDeepSpeedConfig(config, draft).precision : null };
}

/** accelerate fills in ZeRO stage 2 where nothing else is said (accelerate/utils/dataclasses.py DeepSpeedPlugin). */
function accelerateDeepSpeed(reader: OptionReader, context: ProgramContext): ShardingRead {
  const file = reader.options.find('deepspeed_config_file');
  if (file) return deepSpeed(file, context);
  const { draft } = context;
  const STAGES = { '0': 'ddp', '1': 'zero1', '2': 'zero2', '3': 'zero3' } as const;
  reader.choice('parallelism.sharding', STAGES, 'zero_stage');
  draft.default('parallelism.sharding', 'zero2', { of: 'accelerate' });
  const DEVICES = { none: false, cpu: true, nvme: true } as const;
  reader.choice('offload.optimizer', DEVICES, 'offload_optimizer_device');
  reader.choice('offload.parameters', DEVICES, 'offload_param_device');
  return { engine: 'deepspeed', precision: null };
}

/** `--fsdp_config`: a file, JSON text or a mapping; version 2 is the default from transformers 5.10. */
function trainerFsdp(option: Option | undefined, context: ProgramContext): ShardingRead {
  const { draft, versions } = context;
  const config = option ? fsdpConfig(option, context) : null;
  const reader = new OptionReader(config ?? new Options(), draft);
  reader.count('parallelism.fsdpVersion', 'version', 'fsdp_version');
  const isNew = isAtLeast(versions.get('transformers'), '5.10.0');
  draft.default('parallelism.fsdpVersion', isNew ? 2 : 1, {
    of: 'transformers',
    version: versions.get('transformers'),
  });
  reader.flag('offload.parameters', 'cpu_offload', 'offload_params', 'fsdp_offload_params');
  readCheckpointing(reader.options.find('activation_checkpointing', 'fsdp_activation_checkpointing'), draft);
  return { engine: 'fsdp', precision: null };
}

function fsdpConfig(option: Option, { files, invocation, draft }: ProgramContext): Options | null {
  const inner = asOptions(option);
  const text = asText(option);
  if (inner || text === undefined) return inner ?? null;
  const found = text.trimStart().startsWith('{') ? { content: Tracked.made(text) } : files.read(text, invocation.cwd);
  const parsed = 'content' in found ? readStructured(found.content) : { problem: found.missing };
  if ('options' in parsed) return parsed.options;
  // It may checkpoint and offload, which decides more than the sharding itself.
  const reason = `fsdp_config: ${parsed.problem}`;
  draft.leaveOpen('activationCheckpointing', reason);
  draft.leaveOpen('offload.parameters', reason);
  return null;
}
