import type { Unknown } from '../run/setting.js';
import type { RunValues } from '../run/training-run.js';
import { isKnownOptimizer } from './optimizer/optimizers.js';

/** A setting that the simulation would pass over in silence: estimates with it would be wrong, so there are none. */
interface Gap {
  field: string;
  reason: (values: RunValues) => string | null;
}

const COVERED_PEFT: readonly string[] = ['none', 'lora', 'frozen-backbone'];
const COVERED_SHARDING: readonly string[] = [
  'none',
  'ddp',
  'zero1',
  'zero2',
  'zero3',
  'fsdp-full',
  'fsdp-grad-op',
  'hsdp',
];

/** Optimizers, and the implementations they have. Muon's matrices would have to be whole. */
function optimizerGap({ optimizer, parallelism }: RunValues): string | null {
  if (!isKnownOptimizer(optimizer))
    return `optimizer ${optimizer.name} as ${optimizer.implementation} is not covered yet`;
  if (optimizer.name !== 'muon' || ['none', 'ddp'].includes(parallelism.sharding)) return null;
  return `optimizer muon under ${parallelism.sharding} is not covered yet`;
}

/** null where the value is one of those covered, else why there is no estimate. */
const unless = (covered: readonly string[], value: string, what: string): string | null =>
  covered.includes(value) ? null : `${what} ${value} is not covered yet`;

const degree = (field: 'pipeline' | 'expert'): Gap => ({
  field: `parallelism.${field}`,
  reason: ({ parallelism }) => (parallelism[field] > 1 ? `${field} parallelism is not covered yet` : null),
});

const offload = (field: 'parameters' | 'optimizer'): Gap => ({
  field: `offload.${field}`,
  reason: (values) => (values.offload[field] ? `offloading ${field} to the host is not covered yet` : null),
});

/**
 * Whole bytes with a scale for each row, as torchao and optimum-quanto keep the bases of diffusion models: the weight is
 * made again for the moment. bitsandbytes' int8 for language models is another thing.
 */
const BYTE_QUANTIZATION: readonly string[] = ['int8', 'fp8'];
const COVERED_QUANTIZATION: readonly string[] = ['none', 'nf4', 'nf4-double', 'fp4'];

/** Packed weights are not sharded: FSDP and ZeRO-3 over a quantised base lay them out in ways of their own. */
function quantisationGap({ quantization, parallelism, task }: RunValues): string | null {
  if (quantization === 'none') return null;
  const bytes = task === 'diffusion' && BYTE_QUANTIZATION.includes(quantization);
  const sharded = ['zero3', 'fsdp-full', 'fsdp-grad-op', 'hsdp'].includes(parallelism.sharding);
  if (sharded) return `a base of ${quantization} weights under ${parallelism.sharding} is not covered yet`;
  return bytes ? null : unless(COVERED_QUANTIZATION, quantization, 'quantization');
}

const GAPS: readonly Gap[] = [
  { field: 'quantization', reason: quantisationGap },
  { field: 'peft.method', reason: ({ peft }) => unless(COVERED_PEFT, peft.method, 'fine-tuning with') },
  { field: 'optimizer.name', reason: optimizerGap },
  {
    field: 'parallelism.sharding',
    reason: ({ parallelism }) => unless(COVERED_SHARDING, parallelism.sharding, 'sharding by'),
  },
  { field: 'loss', reason: ({ loss }) => unless(['standard'], loss, 'a loss that is') },
  { field: 'ema', reason: ({ ema }) => (ema ? 'a moving average of the weights is not covered yet' : null) },
  degree('pipeline'),
  degree('expert'),
  offload('parameters'),
  offload('optimizer'),
];

/** The settings of a run for which memory cannot be worked out yet; empty where all are covered. */
export function uncovered(values: RunValues): readonly Unknown[] {
  return GAPS.flatMap(({ field, reason }) => {
    const why = reason(values);
    return why === null ? [] : [{ field, reason: why }];
  });
}
