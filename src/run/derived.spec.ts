import { describe, expect, it } from '@jest/globals';
import { run } from '../../test/builders/run.js';
import { withDerived, withProcesses } from './derived.js';
import { settingAt, withSetting } from './fields.js';
import type { RunField, TrainingRun } from './training-run.js';

const assumed = (value: unknown, range?: { low: unknown; high: unknown }): Parameters<typeof withSetting>[2] => ({
  value,
  evidence: { kind: 'assumed', reason: 'test' },
  ...(range ? { range } : {}),
});

/** A run whose counts are open to derivation. */
function open(fields: Partial<Record<RunField, ReturnType<typeof assumed>>>): TrainingRun {
  const derived = {
    worldSize: assumed(1),
    globalBatchSize: assumed(1),
    'parallelism.data': assumed(1),
    'parallelism.shardSize': assumed(1),
  };
  return Object.entries({ ...derived, ...fields }).reduce(
    (made, [field, setting]) => withSetting(made, field as RunField, setting),
    run(),
  );
}

const values = (of: TrainingRun): unknown[] =>
  (['worldSize', 'parallelism.data', 'parallelism.shardSize', 'globalBatchSize'] as const).map(
    (field) => settingAt(of, field).value,
  );

describe('fields that follow from others', () => {
  it('counts ranks, data-parallel copies and shards', () => {
    const full = withDerived(
      open({
        nodes: assumed(2),
        processesPerNode: assumed(8),
        'parallelism.tensor': assumed(4),
        'parallelism.sharding': assumed('fsdp-full'),
        microBatchSize: assumed(3),
        gradientAccumulationSteps: assumed(5),
      }),
    );
    expect(values(full)).toEqual([16, 4, 4, 60]);
    const hybrid = withDerived(withSetting(full, 'parallelism.sharding', assumed('hsdp')));
    expect(settingAt(hybrid, 'parallelism.shardSize').value).toBe(2);
  });

  it('carries the range of counts and sharding to what follows from them', () => {
    const of = withDerived(
      open({
        nodes: assumed(1, { low: 4, high: 1 }),
        processesPerNode: assumed(8),
        'parallelism.sharding': assumed('ddp', { low: 'fsdp-full', high: 'ddp' }),
      }),
    );
    expect(settingAt(of, 'worldSize').range).toEqual({ low: 32, high: 8 });
    expect(settingAt(of, 'parallelism.shardSize').range).toEqual({ low: 32, high: 1 });
    expect(settingAt(of, 'globalBatchSize').range).toBeUndefined();
  });

  it('binds a run to the devices that it is given', () => {
    const unbound = withDerived(
      open({
        nodes: assumed(1, { low: 4, high: 1 }),
        processesPerNode: assumed(8, { low: 8, high: 1 }),
        'parallelism.sharding': assumed('zero3'),
      }),
    );
    const bound = withProcesses(unbound, { nodes: 1, processesPerNode: 4 }, { kind: 'assumed', reason: '--gpu' });
    expect(values(bound).slice(0, 3)).toEqual([4, 4, 4]);
    expect(settingAt(bound, 'parallelism.shardSize').range).toBeUndefined();
  });
});
