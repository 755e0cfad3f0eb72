import { describe, expect, it } from '@jest/globals';
import { comparedFigure } from '../../scripts/accuracy/measured-run.js';
import type { MeasuredRun } from '../../scripts/accuracy/measured-run.js';
import { deviceOf, trainingRunOf } from '../../scripts/accuracy/record-to-run.js';
import type { ScoredRun } from '../../scripts/accuracy/score.js';
import { reportOf, summarise } from '../../scripts/accuracy/summary.js';
import { loadFacts } from '../../src/advisor/facts.js';
import { valuesOf } from '../../src/run/fields.js';
import { MEASURED_RUNS } from './measured-run-facts.js';

const [BASE] = MEASURED_RUNS as readonly [MeasuredRun];
const recordOf = (changes: Partial<MeasuredRun>): MeasuredRun => ({ ...BASE, peft: null, ...changes });
const valuesFrom = (changes: Partial<MeasuredRun>): ReturnType<typeof valuesOf> =>
  valuesOf(trainingRunOf(recordOf(changes)));

describe('a record as a training run', () => {
  it.each([
    ['bf16 + nf4 weights, double quant', 'bf16', 'nf4-double'],
    ['nf4 base, bf16 weights, bf16 autocast', 'amp-bf16', 'nf4'],
    ['gptq-int4 base, fp16 weights, fp16 autocast', 'amp-fp16', 'int4'],
    ['bf16 + int8 base (torchao)', 'bf16', 'int8'],
    ['bf16 mixed (FSDP mp_policy: fp32 master weights and reduce, bf16 compute)', 'amp-bf16', 'none'],
    ['fp32 (TF32 matmul)', 'tf32', 'none'],
    ['amp-fp16', 'amp-fp16', 'none'],
    ['bf16 + fp8 hybrid', 'fp8', 'none'],
  ])('reads the precision "%s"', (precision, computed, quantization) => {
    expect(valuesFrom({ precision })).toMatchObject({ precision: computed, quantization });
  });

  it.each([
    ['AdamW (fused)', 'adamw', 'fused'],
    ['AdamW8bit (bitsandbytes)', 'adamw', '8bit'],
    ['PagedAdamW8bit (bitsandbytes), fused into backward', 'adamw', 'paged-8bit'],
    ['AdamW (adamw_torch, foreach)', 'adamw', 'foreach'],
    ['optimi-lion', 'lion', 'foreach'],
  ])('reads the optimizer "%s"', (optimizer, name, implementation) => {
    expect(valuesFrom({ optimizer }).optimizer).toMatchObject({ name, implementation });
  });

  it('keeps a range where the record is silent', () => {
    const run = trainingRunOf(recordOf({ attention: null, activation_checkpointing: null }));
    expect(run.attention.range).toEqual({ low: 'sdpa', high: 'eager' });
    expect(run.activationCheckpointing.range).toEqual({ low: 'full', high: 'none' });
  });

  it.each([
    [{ dp: 8, fsdp: 'full_shard (FSDP2)', zero_stage: 3 }, 'fsdp-full', 8, 2],
    [{ dp: 2, fsdp: 'no_shard (ddp strategy)' }, 'ddp', 1, 1],
    [{ dp: 4, zero_stage: 2 }, 'zero2', 4, 1],
    [{ dp: 4 }, 'ddp', 1, 1],
    [{ dp: 1 }, 'none', 1, 1],
  ])('reads the parallelism %j', (parallelism, sharding, shardSize, fsdpVersion) => {
    const { parallelism: values } = valuesFrom({ parallelism, gpus: parallelism.dp });
    expect(values).toMatchObject({ sharding, shardSize, fsdpVersion });
  });

  it('names layers as Hugging Face does', () => {
    const peft = { type: 'lora', rank: 8, target_modules: ['query', 'mlp'] };
    const values = valuesFrom({ framework: 'litgpt', peft });
    expect(values.peft.targetModules).toEqual(['q_proj', 'gate_proj', 'up_proj', 'down_proj']);
  });

  it('finds the device', () => {
    const { gpus } = loadFacts();
    expect(deviceOf(recordOf({ gpu: 'H100-96GB (HBM2e)' }), gpus).computeCapability).toBe(9);
    expect(deviceOf(recordOf({ gpu: null }), gpus)).toMatchObject({ model: 'unknown', computeCapability: null });
  });
});

describe('comparison', () => {
  it.each([
    ['torch max_memory_allocated', 'allocated'],
    ['torch memory_reserved at end of epoch 1 (allocator high-water mark)', 'reserved'],
    ['nvidia-smi used', 'device'],
    ['oom-lower-bound', null],
    ['torch max_memory_allocated (lower bound)', null],
  ])('holds "%s" against %s', (measure, figure) => {
    expect(comparedFigure(measure)).toBe(figure);
  });
});

describe('summary', () => {
  const interval = (expectedGib: number): { lowGib: number; expectedGib: number; highGib: number } => ({
    lowGib: expectedGib - 1,
    expectedGib,
    highGib: expectedGib + 1,
  });
  const run = (id: string, measuredGib: number, expectedGib: number | null): ScoredRun => ({
    id,
    compared: 'allocated',
    measuredGib,
    answered: expectedGib !== null,
    reason: expectedGib === null ? 'no model' : null,
    predicted:
      expectedGib === null
        ? null
        : {
            allocated: interval(expectedGib),
            reserved: interval(expectedGib),
            device: interval(expectedGib),
            contextGib: 0,
          },
  });

  it('counts errors, under-predictions and what lies inside', () => {
    expect(summarise([run('a', 10, 10), run('b', 10, 8), run('c', 10, 11), run('d', 10, null)])).toEqual({
      runs: 4,
      answered: 3,
      coverage: 0.75,
      medianAbsoluteError: 0.1,
      meanAbsoluteError: expect.closeTo(0.1),
      p90AbsoluteError: 0.2,
      worstAbsoluteError: 0.2,
      within10Percent: expect.closeTo(2 / 3),
      underPredictedBy10Percent: expect.closeTo(1 / 3),
      insideInterval: expect.closeTo(2 / 3),
      medianIntervalWidth: 0.2,
    });
  });

  it('groups by what records say', () => {
    const records = [recordOf({ id: 'a', family: 'cnn' }), recordOf({ id: 'b', family: 'encoder' })];
    const { by } = reportOf(records, [run('a', 10, 10), run('b', 10, 8)]);
    expect(Object.keys(by['family'] ?? {})).toEqual(['cnn', 'encoder']);
    expect(by['family']?.['encoder']?.worstAbsoluteError).toBe(0.2);
  });
});
