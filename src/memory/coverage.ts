import type { Unknown } from '../run/setting.js';
import type { RunValues } from '../run/training-run.js';
import { peftMethodSchema } from '../run/training-run.js';
import { isKnownOptimizer } from './optimizer/optimizers.js';
import { modelCodeOf } from './rank-view-of.js';

/** A setting that the simulation would pass over in silence: estimates with it would be wrong, so there are none. */
interface Gap {
  field: string;
  reason: (values: RunValues) => string | null;
}

/** All of peft's that are named in a run: those of the table of adapters, and those that train what goes in or norms. */
const COVERED_PEFT: readonly string[] = peftMethodSchema.options;
/** Optimizers that work on whole matrices, which sharding along the rows would cut. */
const OF_MATRICES: readonly string[] = ['muon', 'shampoo', 'soap', 'galore-adamw', 'apollo', 'came', 'adam-mini'];

/** Optimizers, and the implementations they have. */
function optimizerGap({ optimizer, parallelism }: RunValues): string | null {
  if (!isKnownOptimizer(optimizer))
    return `optimizer ${optimizer.name} as ${optimizer.implementation} is not covered yet`;
  if (!OF_MATRICES.includes(optimizer.name) || ['none', 'ddp'].includes(parallelism.sharding)) return null;
  return `optimizer ${optimizer.name} under ${parallelism.sharding} is not covered yet`;
}

/** null where the value is one of those covered, else why there is no estimate. */
const unless = (covered: readonly string[], value: string, what: string): string | null =>
  covered.includes(value) ? null : `${what} ${value} is not covered yet`;

/** Ways of sharding that copy parameters to the device as they are gathered. */
const GATHERING: readonly string[] = ['zero3', 'fsdp-full', 'fsdp-grad-op', 'hsdp'];

/** Whole parameters in the host's memory are not trained but slowly run; sharded ones are copied as they are gathered. */
function parameterOffloadGap({ offload, parallelism }: RunValues): string | null {
  if (!offload.parameters || (GATHERING.includes(parallelism.sharding) && parallelism.shardSize > 1)) return null;
  return `parameters in the host's memory with sharding ${parallelism.sharding} over ${parallelism.shardSize} are not covered`;
}

const COVERED_QUANTIZATION: readonly string[] = ['none', 'int8', 'int4', 'nf4', 'nf4-double', 'fp4'];
/** As torchao and optimum-quanto keep the bases of diffusion models: whole bytes with a scale for each row. */
const OF_DIFFUSION: readonly string[] = [...COVERED_QUANTIZATION, 'fp8'];

/** 8-bit weights are not sharded: bitsandbytes keeps them with their scales in tensors of their own kind. */
function quantisationGap({ quantization, parallelism, task }: RunValues): string | null {
  const sharded = ['zero3', 'fsdp-full', 'fsdp-grad-op', 'hsdp'].includes(parallelism.sharding);
  if (quantization === 'int8' && sharded)
    return `a base of ${quantization} weights under ${parallelism.sharding} is not covered yet`;
  return unless(task === 'diffusion' ? OF_DIFFUSION : COVERED_QUANTIZATION, quantization, 'quantization');
}

/** Chunks are a matter of a program's own loss, as of TRL's trainers, also in a script; transformers has none. */
const CHUNKING_PROGRAMS = /torchtune|lit-?gpt|torchtitan|\btrl\b|python source/i;

function lossGap({ loss, program, framework, task }: RunValues): string | null {
  if (loss !== 'chunked') return null;
  if (task === 'distillation') return 'a divergence of two models that is chunked is not covered yet';
  const names = `${program?.name ?? ''} ${framework.name} ${Object.keys(framework.packages).join(' ')}`;
  return CHUNKING_PROGRAMS.test(names) ? null : 'a loss that is chunked is covered in programs that chunk it only';
}

/** Where the model is placed whole, its moving average is too; how shards are averaged depends on the framework. */
function movingAverageGap({ ema, parallelism }: RunValues): string | null {
  if (!ema || /^(none|ddp|zero1|zero2)$/.test(parallelism.sharding)) return null;
  return `a moving average of weights that are sharded by ${parallelism.sharding} is not covered yet`;
}

/** What lies between split layers is shared out along the sequence, in equal parts. */
function sequenceGap(values: RunValues): string | null {
  const { sequenceLength, parallelism } = values;
  const splits = parallelism.sequence || modelCodeOf(values) === 'torchtitan';
  if (sequenceLength === null || !splits || sequenceLength % parallelism.tensor === 0) return null;
  return `sequences of ${sequenceLength} tokens do not divide over ${parallelism.tensor} tensor-parallel ranks`;
}

const GAPS: readonly Gap[] = [
  { field: 'quantization', reason: quantisationGap },
  { field: 'peft.method', reason: ({ peft }) => unless(COVERED_PEFT, peft.method, 'fine-tuning with') },
  { field: 'optimizer.name', reason: optimizerGap },
  { field: 'loss', reason: lossGap },
  { field: 'ema', reason: movingAverageGap },
  { field: 'sequenceLength', reason: sequenceGap },
  { field: 'offload.parameters', reason: parameterOffloadGap },
];

/** The settings of a run for which memory cannot be worked out yet; empty where all are covered. */
export function uncovered(values: RunValues): readonly Unknown[] {
  return GAPS.flatMap(({ field, reason }) => {
    const why = reason(values);
    return why === null ? [] : [{ field, reason: why }];
  });
}
