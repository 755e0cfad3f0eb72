import type { Sharding } from '../../run/training-run.js';
import type { OptionReader } from '../options/option-reader.js';
import type { Option } from '../options/option.js';
import { asBoolean, asText } from '../options/option.js';
import type { RunDraft } from '../run-draft.js';

/** accelerate's and FSDP's names of strategies; old configuration files hold their numbers. */
export const FSDP_STRATEGIES: Readonly<Record<string, Sharding>> = {
  FULL_SHARD: 'fsdp-full',
  SHARD_GRAD_OP: 'fsdp-grad-op',
  NO_SHARD: 'ddp',
  HYBRID_SHARD: 'hsdp',
  HYBRID_SHARD_ZERO2: 'hsdp',
  '1': 'fsdp-full',
  '2': 'fsdp-grad-op',
  '3': 'ddp',
  '4': 'hsdp',
  '5': 'hsdp',
};

const RESHARD: Readonly<Record<string, Sharding>> = {
  ...FSDP_STRATEGIES,
  true: 'fsdp-full',
  True: 'fsdp-full',
  false: 'fsdp-grad-op',
  False: 'fsdp-grad-op',
};

/** FSDP as accelerate's flags or configuration file say it (accelerate/utils/dataclasses.py, FullyShardedDataParallelPlugin). */
export function readAccelerateFsdp(reader: OptionReader, draft: RunDraft): void {
  const version = reader.count('parallelism.fsdpVersion', 'fsdp_version');
  if (version !== 2) draft.default('parallelism.fsdpVersion', 1, { of: 'accelerate' });
  if (version === 2) reader.choice('parallelism.sharding', RESHARD, 'fsdp_reshard_after_forward');
  reader.choice('parallelism.sharding', FSDP_STRATEGIES, 'fsdp_sharding_strategy');
  draft.default('parallelism.sharding', 'fsdp-full', { of: 'accelerate' });
  reader.flag('offload.parameters', 'fsdp_offload_params');
  readCheckpointing(reader.options.find('fsdp_activation_checkpointing'), draft);
}

export function readCheckpointing(option: Option | undefined, draft: RunDraft): void {
  if (asBoolean(option) === true) draft.read('activationCheckpointing', 'full', option?.place ?? null);
}

/** Words of the Trainer's `--fsdp`, such as `full_shard auto_wrap offload` (transformers/trainer_utils.py FSDPOption). */
const TRAINER_WORDS: Readonly<Record<string, Sharding>> = {
  full_shard: 'fsdp-full',
  shard_grad_op: 'fsdp-grad-op',
  hybrid_shard: 'hsdp',
  hybrid_shard_zero2: 'hsdp',
  no_shard: 'ddp',
  true: 'fsdp-full',
  True: 'fsdp-full',
};

/** The Trainer's own `--fsdp`; false where it is absent or empty. */
export function readTrainerFsdp(option: Option | undefined, draft: RunDraft): boolean {
  const words = wordsOf(option);
  const strategy = words.find((word) => Object.hasOwn(TRAINER_WORDS, word));
  if (!option || strategy === undefined) return false;
  draft.read('parallelism.sharding', TRAINER_WORDS[strategy], option.place);
  if (words.includes('offload')) draft.read('offload.parameters', true, option.place);
  return true;
}

function wordsOf(option: Option | undefined): string[] {
  if (option?.value === true) return ['true'];
  if (Array.isArray(option?.value)) return option.value.flatMap((item: Option) => asText(item) ?? []);
  return (
    asText(option)
      ?.split(' ')
      .filter((word) => word !== '') ?? []
  );
}
