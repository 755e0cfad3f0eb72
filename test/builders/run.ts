import type { Estimate, Interval } from '../../src/memory/estimate.js';
import type { Setting } from '../../src/run/setting.js';
import { tinyRun } from '../../src/memory/tiny-run.spec-data.js';
import type { RunValues, TrainingRun } from '../../src/run/training-run.js';

const GROUPS = new Set(['optimizer', 'peft', 'parallelism', 'offload', 'trainingStep', 'sharing']);

/** Values of a plain fine-tuning of a causal language model on one device. */
export const RUN_VALUES: RunValues = tinyRun({
  program: { id: 'trl', name: 'TRL sft', version: null },
  model: { name: 'meta-llama/Llama-3.1-8B', catalogId: 'meta-llama/Llama-3.1-8B', config: null },
  microBatchSize: 8,
  globalBatchSize: 8,
  sequenceLength: 2048,
  precision: 'amp-bf16',
  gradientClipping: true,
  trainingStep: { keepsOutputs: false, castsOutputs: true, compilesLoss: true, fullPrecisionEmbeddings: true },
});

const byDefault = (value: unknown): Setting<unknown> => ({
  value,
  evidence: { kind: 'default', of: 'pytorch', version: null },
});

/** A run with the given values, each by default. */
export function run(overrides: Partial<RunValues> = {}): TrainingRun {
  const settings: Record<string, unknown> = {};
  for (const [key, value] of Object.entries({ ...RUN_VALUES, ...overrides })) {
    const members = Object.entries(value ?? {}).map(([member, inner]) => [member, byDefault(inner)]);
    settings[key] = GROUPS.has(key) ? Object.fromEntries(members) : byDefault(value);
  }
  return settings as unknown as TrainingRun;
}

/** An estimate that needs the given bytes in every figure. */
export function estimateOf(bytes: Interval): Estimate {
  return {
    allocatedBytes: bytes,
    reservedBytes: bytes,
    deviceBytes: bytes,
    minimumCapacityBytes: bytes,
    breakdown: [{ category: 'parameters', bytes: bytes.expected }],
    peak: { phase: 'backward', iteration: 2, operation: 'linear' },
    timeline: [],
    contributors: [],
    parameters: { total: 1, trainable: 1 },
    notes: [],
  };
}
