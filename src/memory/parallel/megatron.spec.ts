import { describe, expect, it } from '@jest/globals';
import { architectureOf } from '../../model/architecture.js';
import type { RunValues } from '../../run/training-run.js';
import type { MemoryEvents } from '../events.js';
import { stageViews } from '../pipeline/stage-views.js';
import { simulate } from '../simulate.js';
import { tinyRun } from '../tiny-run.spec-data.js';

const [HIDDEN, INTERMEDIATE, LAYERS, HEADS, VOCABULARY] = [256, 1024, 4, 4, 1024];
const [BATCH, LENGTH] = [2, 64];
const TOKENS = BATCH * LENGTH;
const gpt = {
  name: 'tiny',
  modelType: 'gpt2',
  config: { n_embd: HIDDEN, n_layer: LAYERS, n_head: HEADS, vocab_size: VOCABULARY, n_positions: LENGTH },
};
const experts = {
  name: 'tiny',
  modelType: 'qwen3_moe',
  config: {
    hidden_size: HIDDEN,
    intermediate_size: INTERMEDIATE,
    moe_intermediate_size: 128,
    num_experts: 8,
    num_experts_per_tok: 2,
    num_hidden_layers: LAYERS,
    num_attention_heads: HEADS,
    vocab_size: VOCABULARY,
  },
};

interface Ran {
  events: MemoryEvents;
  parameters: number;
}

function run(
  parallelism: Partial<RunValues['parallelism']>,
  rest: Partial<RunValues> = {},
  { stage = 0, model = gpt }: { stage?: number; model?: typeof gpt | typeof experts } = {},
): Ran {
  const plain = tinyRun({ framework: { name: 'megatron', packages: {} }, precision: 'bf16', ...rest });
  const values = { ...plain, parallelism: { ...plain.parallelism, ...parallelism } };
  const [first, ...chunks] = stageViews(values, model, stage).map((view) => architectureOf(model, 'causal-lm', view));
  const options = { iterations: 2, gradientAddition: 'in-place', computeCapability: 9 } as const;
  const pipeline = values.parallelism.pipeline > 1 ? { stage, chunks } : {};
  const events = simulate(values, first!, { ...options, ...pipeline });
  return { events, parameters: events.parameters!.total };
}

/** Bytes alive before an event, by category. */
function alive({ events, sizes, categories }: MemoryEvents, end: number): Record<string, number> {
  const totals: Record<string, number> = {};
  for (const event of events.subarray(0, end)) {
    const block = event >= 0 ? event : -event - 1;
    totals[categories[block]!] = (totals[categories[block]!] ?? 0) + (event >= 0 ? 1 : -1) * sizes[block]!;
  }
  return totals;
}

const atEnd = ({ events }: Ran): Record<string, number> => alive(events, events.events.length);

/** Bytes of activations when the first backward pass of an iteration begins. */
function keptAtFirstBackward({ events }: Ran): number {
  return alive(events, events.phases.find(({ name }) => name === 'backward')!.firstEvent)['activations'] ?? 0;
}

describe("Megatron's parameters, gradients and states", () => {
  it('are 2, 4 and 12 bytes a parameter in bf16', () => {
    const ran = run({});
    const left = atEnd(ran);
    expect(left['parameters']).toBe(2 * ran.parameters);
    expect(left['gradients']).toBe(4 * ran.parameters);
    expect(left['optimizer-state']).toBe(12 * ran.parameters);
    const loss = 4;
    expect(left['activations']).toBe(loss);
  });

  it('keep gradients in the type of the parameters in fp16, or where they are reduced so', () => {
    for (const rest of [{ precision: 'fp16' as const }, { kernels: ['grad-reduce-in-bf16'] }]) {
      const ran = run({}, rest);
      expect(atEnd(ran)['gradients']).toBe(2 * ran.parameters);
    }
  });

  it('spread the states over the ranks of the distributed optimizer', () => {
    const ran = run({ sharding: 'distributed-optimizer', shardSize: 4, data: 4 });
    expect(atEnd(ran)['optimizer-state']).toBe((12 * ran.parameters) / 4);
    expect(atEnd(ran)['gradients']).toBe(4 * ran.parameters);
  });

  it('spread the states of experts over those ranks only that have the same experts', () => {
    const sharding = { sharding: 'distributed-optimizer', shardSize: 8, data: 8, expert: 4 } as const;
    const ran = run(sharding, {}, { model: experts });
    const ofExperts = LAYERS * (8 / 4) * 3 * HIDDEN * 128;
    const dense = ran.parameters - ofExperts;
    expect(atEnd(ran)['optimizer-state']).toBe(12 * (Math.ceil(dense / 8) + ofExperts / 2));
  });
});

describe('a layer of Megatron', () => {
  const perToken = (rest: Partial<RunValues>, parallelism: Partial<RunValues['parallelism']> = {}): number => {
    const [full, none] = [{ activationCheckpointing: 'full' } as const, rest].map((changes) =>
      keptAtFirstBackward(run(parallelism, { dropout: 0.1, attention: 'sdpa', ...changes })),
    ) as [number, number];
    const inputs = (LAYERS * 2 * HIDDEN) / (parallelism.sequence ? parallelism.tensor! : 1);
    return (none - full) / TOKENS / LAYERS + inputs / LAYERS;
  };

  it('keeps 34 bytes a token and unit of width (Korthikanti et al., table 2), and the sums of attention and norms', () => {
    const sums = 4 * HEADS + 4 * 4;
    expect(Math.round(perToken({}))).toBe(34 * HIDDEN + sums);
  });

  it('keeps the tth part of it where the sequence is split between split layers', () => {
    const sums = 4 * HEADS + 4 * 4;
    expect(Math.round(perToken({}, { tensor: 4, sequence: true }))).toBe((34 * HIDDEN + sums) / 4);
  });

  it('keeps no more than query, key and value of an attention that is recomputed', () => {
    const kept = perToken({ activationCheckpointing: { modules: ['core_attn'] } });
    expect(Math.round(kept)).toBe(34 * HIDDEN + 4 * 4);
  });
});

describe('the stages of a pipeline', () => {
  const staged = { pipeline: 2 } as const;
  const steps = { gradientAccumulationSteps: 4 };

  it('have their layers; the first has the embeddings and the last the head', () => {
    const layer = 12 * HIDDEN * HIDDEN + 13 * HIDDEN;
    const [first, last] = [0, 1].map((stage) => run(staged, steps, { stage }).parameters);
    expect(first).toBe((LAYERS / 2) * layer + (VOCABULARY + LENGTH) * HIDDEN);
    expect(last).toBe((LAYERS / 2) * layer + 2 * HIDDEN + VOCABULARY * HIDDEN);
  });

  it('leave nothing behind, and hold one micro-batch more for each stage that comes after', () => {
    const [first, last] = [0, 1].map((stage) =>
      run({ pipeline: 4 }, { ...steps, gradientAccumulationSteps: 8 }, { stage: 3 * stage }),
    );
    expect(atEnd(first!)['activations'] ?? 0).toBe(0);
    const oneLayer = keptAtFirstBackward(run({ pipeline: 4 }, { gradientAccumulationSteps: 1 }));
    expect(keptAtFirstBackward(first!)).toBe(4 * oneLayer);
    expect(keptAtFirstBackward(last!)).toBeGreaterThan(oneLayer);
  });

  it('may each have several parts of the model', () => {
    const parts = { pipeline: 2, virtualStages: 2, pipelineSchedule: 'interleaved' } as const;
    const [plain, interleaved] = [staged, parts].map((parallelism) => run(parallelism, steps).parameters);
    expect(interleaved).toBe(plain);
  });
});

describe('experts', () => {
  it('get a copy of each token for each expert, sent and sorted, there and back', () => {
    const { events } = run({ expert: 2, data: 2 }, {}, { model: experts });
    const number = events.operationNames.indexOf('all_to_all_single');
    const sent = [...events.events].filter((event) => event >= 0 && events.operations[event] === number);
    expect(sent).toHaveLength(2 * LAYERS * 4);
    expect(new Set(sent.map((block) => events.sizes[block]))).toEqual(new Set([TOKENS * 2 * HIDDEN * 2]));
  });
});

describe('Transformer Engine in 8 bit', () => {
  it('keeps two copies of each weight, or parameters in their place', () => {
    const bf16 = atEnd(run({}))['parameters']!;
    const products = 2 * LAYERS * 12 * HIDDEN * HIDDEN;
    expect(atEnd(run({}, { precision: 'fp8' }))['parameters']).toBe(bf16 + products);
    expect(atEnd(run({}, { precision: 'fp8', kernels: ['fp8-param-gather'] }))['parameters']).toBe(bf16);
  });
});
