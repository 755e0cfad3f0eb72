import { frameworkDefaults } from './framework-defaults.js';
import type { MeasuredRun } from './measured-run.js';
import { virtualStagesOf } from './megatron-record.js';
import type { Setting } from '../../src/run/setting.js';
import type { RunValues, SettingsOf } from './settings.js';
import { byDefault, stated } from './settings.js';

type Parallelism = RunValues['parallelism'];

/** Ranks of the run: as stated, else what its degrees multiply to. */
export function worldSizeOf({ gpus, parallelism }: MeasuredRun): number {
  const { dp, tp, pp, cp } = parallelism;
  return gpus ?? [dp, tp, pp, cp].reduce<number>((product, degree) => product * (degree ?? 1), 1);
}

const modelDegree = ({ tp, pp, cp }: MeasuredRun['parallelism']): number => (tp ?? 1) * (pp ?? 1) * (cp ?? 1);

export const dataDegreeOf = (record: MeasuredRun): number =>
  record.parallelism.dp ?? Math.max(1, Math.floor(worldSizeOf(record) / modelDegree(record.parallelism)));

function shardingOf(record: MeasuredRun): Parallelism['sharding'] {
  const { fsdp, zero_stage: stage } = record.parallelism;
  if (fsdp) return /no_shard/.test(fsdp) ? 'ddp' : 'fsdp-full';
  if (frameworkDefaults(record).name === 'megatron') return megatronSharding(record);
  if (stage === 1) return 'zero1';
  if (stage === 2) return 'zero2';
  if (stage === 3) return 'zero3';
  return dataDegreeOf(record) > 1 ? 'ddp' : 'none';
}

function megatronSharding(record: MeasuredRun): Parallelism['sharding'] {
  const options = `${record.optimizer ?? ''} ${(record.memory_options ?? []).join(' ')}`;
  if (record.parallelism.zero_stage === 1 || /distributed.optimizer/i.test(options)) return 'distributed-optimizer';
  return dataDegreeOf(record) > 1 ? 'ddp' : 'none';
}

const degree = (record: MeasuredRun, name: 'tp' | 'pp' | 'cp' | 'ep'): Setting<number> =>
  stated(record.parallelism[name] ?? 1, `parallelism.${name}`, record.parallelism[name]);

/** How the run is spread over its ranks. */
export function parallelismOf(record: MeasuredRun): SettingsOf<Parallelism> {
  const { parallelism } = record;
  const defaults = frameworkDefaults(record);
  const sharding = shardingOf(record);
  const data = dataDegreeOf(record);
  const context = degree(record, 'cp');
  const sharded = sharding !== 'none' && sharding !== 'ddp';
  return {
    sharding: stated(sharding, 'parallelism', parallelism),
    shardSize: stated(sharded ? data * context.value : 1, 'parallelism.dp', parallelism.dp),
    fsdpVersion: byDefault(fsdpVersionOf(record), defaults.name),
    data: stated(data, 'parallelism.dp', parallelism.dp),
    tensor: degree(record, 'tp'),
    sequence: stated(parallelism.sp === true, 'parallelism.sp', parallelism.sp),
    pipeline: degree(record, 'pp'),
    pipelineSchedule: byDefault(virtualStagesOf(record) > 1 ? 'interleaved' : '1f1b', defaults.name),
    virtualStages: stated(virtualStagesOf(record), 'command_or_config'),
    context,
    expert: degree(record, 'ep'),
    gradientAsBucketView: byDefault(defaults.gradientAsBucketView ?? false, defaults.name),
  };
}

const fsdpVersionOf = (record: MeasuredRun): 1 | 2 =>
  record.parallelism.fsdp?.includes('FSDP2') ? 2 : (frameworkDefaults(record).fsdpVersion ?? 1);
