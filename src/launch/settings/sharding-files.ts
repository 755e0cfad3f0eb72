import { baseName } from '../text/characters.js';
import type { Sharding } from '../../run/training-run.js';
import type { RunDraft } from '../run-draft.js';

/** A DeepSpeed configuration that a training program's own repository ships, as far as it decides memory. */
interface ShippedDeepSpeed {
  of: string;
  sharding: Sharding;
  offloads: readonly ('optimizer' | 'parameters')[];
  /** 16-bit parameters whatever the program's arguments say. */
  bf16: boolean;
}

const BOTH = ['optimizer', 'parameters'] as const;

/** [folder/file, stage, what is offloaded, bf16], as in axolotl 0.19.0 and in LLaMA-Factory's main of 2026. */
const AXOLOTL: readonly (readonly [string, Sharding, ShippedDeepSpeed['offloads'], boolean])[] = [
  ['zero1.json', 'zero1', [], false],
  ['zero1_torch_compile.json', 'zero1', [], false],
  ['zero2.json', 'zero2', ['optimizer'], false],
  ['zero2_torch_compile.json', 'zero2', ['optimizer'], false],
  ['zero3.json', 'zero3', [], false],
  ['zero3_bf16.json', 'zero3', [], true],
  ['zero3_bf16_cpuoffload_all.json', 'zero3', BOTH, true],
  ['zero3_bf16_cpuoffload_params.json', 'zero3', ['parameters'], true],
];
const LLAMA_FACTORY: readonly (readonly [string, Sharding, ShippedDeepSpeed['offloads'], boolean])[] = [
  ['ds_z0_config.json', 'ddp', [], false],
  ['ds_z2_config.json', 'zero2', [], false],
  ['ds_z2_offload_config.json', 'zero2', ['optimizer'], false],
  ['ds_z3_config.json', 'zero3', [], false],
  ['ds_z3_offload_config.json', 'zero3', BOTH, false],
];

const shippedBy = (of: string, folder: string, rows: typeof AXOLOTL): (readonly [string, ShippedDeepSpeed])[] =>
  rows.map(([name, sharding, offloads, bf16]) => [`${folder}/${name}`, { of, sharding, offloads, bf16 }]);

/** By the last two parts of their path: the folder is what makes such a common name one of theirs. */
const SHIPPED: ReadonlyMap<string, ShippedDeepSpeed> = new Map([
  ...shippedBy('axolotl', 'deepspeed_configs', AXOLOTL),
  ...shippedBy('LLaMA-Factory', 'deepspeed', LLAMA_FACTORY),
]);

const lastTwo = (path: string): string => path.split('/').filter(Boolean).slice(-2).join('/');

/**
 * Takes the settings of a DeepSpeed configuration that is in the image and ships with a known program, each as that
 * program's default; returns whether its parameters are bf16, or null where no such file is known.
 */
export function takeShippedDeepSpeed(path: string, draft: RunDraft): { bf16: boolean } | null {
  const file = SHIPPED.get(lastTwo(path));
  if (file === undefined) return null;
  const from = { of: `${file.of} ${lastTwo(path)}` };
  draft.default('parallelism.sharding', file.sharding, from);
  draft.default('offload.optimizer', file.offloads.includes('optimizer'), from);
  draft.default('offload.parameters', file.offloads.includes('parameters'), from);
  return { bf16: file.bf16 };
}

/** `zero3.json`, `ds_z2_config.json`, `deepspeed_stage3_offload.yaml`: a stage that stands in the name of a file. */
const STAGE = /(?:^|[^a-z])(?:ds|deepspeed)?[-_]?(?:zero|stage|z)[-_]?(?<stage>[0-3])(?![0-9]).*\.(?:json|ya?ml)$/i;
const OF_STAGE: Readonly<Record<string, Sharding>> = { '0': 'ddp', '1': 'zero1', '2': 'zero2', '3': 'zero3' };
const AWAY = /offload|cpu/i;

/**
 * Assumes the ZeRO stage that the name of a configuration in the image says, with states in the host's memory as what
 * may be; returns whether the name says one. A name is weaker than the file: it never makes up what it does not say.
 */
export function assumeNamedStage(path: string, missing: string, draft: RunDraft): boolean {
  const stage = STAGE.exec(baseName(path))?.groups?.['stage'];
  const sharding = stage === undefined ? undefined : OF_STAGE[stage];
  if (sharding === undefined) return false;
  const reason = `the name of ${baseName(path)} says ZeRO stage ${stage}; ${missing}`;
  const isAway = AWAY.test(baseName(path));
  draft.assume('parallelism.sharding', sharding, reason);
  if (sharding !== 'ddp') draft.assume('offload.optimizer', isAway, reason, { low: true, high: false });
  if (sharding === 'zero3') draft.assume('offload.parameters', isAway, reason, { low: true, high: false });
  return true;
}

/** `fsdp.yaml`, `fsdp2_config.yaml`, `multi_gpu.yaml`, `ddp.yaml`: what accelerate's configuration files are called. */
const FSDP = /fsdp[-_]?(?:v)?(?<version>[12])?/i;
const REPLICATED = /multi[-_]?gpu|(?:^|[^a-z])ddp/i;

/**
 * Assumes how accelerate's configuration file, which is in the image, shards, where its name says it; returns the
 * engine that then holds the parameters, or null where the name says nothing.
 */
export function assumeNamedSharding(
  path: string,
  missing: string,
  draft: RunDraft,
): 'deepspeed' | 'fsdp' | 'none' | null {
  if (assumeNamedStage(path, missing, draft)) return 'deepspeed';
  const name = baseName(path);
  const reason = `the name of ${name} says how it shards; ${missing}`;
  const fsdp = FSDP.exec(name);
  if (fsdp !== null) {
    draft.assume('parallelism.sharding', 'fsdp-full', reason);
    draft.assume('parallelism.fsdpVersion', fsdp.groups?.['version'] === '2' ? 2 : 1, reason);
    draft.assume('offload.parameters', AWAY.test(name), reason, { low: true, high: false });
    return 'fsdp';
  }
  if (!REPLICATED.test(name)) return null;
  draft.assume('parallelism.sharding', 'ddp', reason);
  return 'none';
}
