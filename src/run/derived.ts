import type { Evidence, Setting } from './setting.js';
import { settingAt, withSetting } from './fields.js';
import type { RunField, Sharding, TrainingRun } from './training-run.js';

/** Shardings that spread state over every data-parallel rank. */
const OVER_ALL: ReadonlySet<Sharding> = new Set<Sharding>([
  'fsdp-full',
  'fsdp-grad-op',
  'zero1',
  'zero2',
  'zero3',
  'distributed-optimizer',
]);

interface Counts {
  nodes: number;
  processesPerNode: number;
}

interface Basis extends Counts {
  sharding: Sharding;
}

interface DerivedValues {
  worldSize: number;
  data: number;
  shardSize: number;
  globalBatchSize: number;
}

const number = (run: TrainingRun, field: RunField): number => settingAt(run, field).value as number;

/** Counts stay within what a field can hold, whatever numbers stand in a manifest. */
const bounded = (count: number): number => Math.min(count, 1_000_000_000);

function derivedFrom(run: TrainingRun, { nodes, processesPerNode, sharding }: Basis): DerivedValues {
  const worldSize = bounded(nodes * processesPerNode);
  const { tensor, pipeline, context } = run.parallelism;
  const data = Math.max(1, Math.floor(worldSize / (tensor.value * pipeline.value * context.value)));
  const hybrid = Math.max(1, Math.min(data, Math.floor(processesPerNode / tensor.value)));
  const shardSize = sharding === 'hsdp' ? hybrid : OVER_ALL.has(sharding) ? data : 1;
  const rows = run.microBatchSize.value * run.gradientAccumulationSteps.value;
  return { worldSize, data, shardSize, globalBatchSize: bounded(rows * data) };
}

const RULES: Readonly<Record<keyof DerivedValues, { field: RunField; from: readonly string[]; rule: string }>> = {
  worldSize: { field: 'worldSize', from: ['nodes', 'processesPerNode'], rule: 'nodes × processes per node' },
  data: {
    field: 'parallelism.data',
    from: ['worldSize', 'parallelism.tensor', 'parallelism.pipeline', 'parallelism.context'],
    rule: 'world size ÷ (tensor × pipeline × context)',
  },
  shardSize: {
    field: 'parallelism.shardSize',
    from: ['parallelism.sharding', 'parallelism.data'],
    rule: 'all data-parallel ranks share the sharded state; with hybrid sharding those of one node',
  },
  globalBatchSize: {
    field: 'globalBatchSize',
    from: ['microBatchSize', 'gradientAccumulationSteps', 'parallelism.data'],
    rule: 'micro-batch × accumulation × data-parallel size',
  },
};

/** The other fields that follow from counts, batch and parallelism; what a person stated of them is kept. */
export function withDerived(run: TrainingRun): TrainingRun {
  const at = (pick: <T>(setting: Setting<T>) => T): DerivedValues =>
    derivedFrom(run, {
      nodes: pick(run.nodes),
      processesPerNode: pick(run.processesPerNode),
      sharding: pick(run.parallelism.sharding),
    });
  const expected = at(({ value }) => value);
  const low = at(({ value, range }) => range?.low ?? value);
  const high = at(({ value, range }) => range?.high ?? value);
  return (Object.keys(RULES) as (keyof DerivedValues)[]).reduce((derived, name) => {
    const { field, from, rule } = RULES[name];
    const before = settingAt(run, field).evidence.kind;
    // A program's own default of the global batch decides the accumulation, not the other way round.
    if (before === 'read' || before === 'declared' || before === 'default') return derived;
    const evidence: Evidence = { kind: 'derived', from, rule };
    const range =
      low[name] === high[name] || name === 'globalBatchSize' ? {} : { range: { low: low[name], high: high[name] } };
    return withSetting(derived, field, { value: expected[name], evidence, ...range });
  }, run);
}

/**
 * The run with its processes bound to real devices, for manifests that leave their number to another tool: everything
 * that follows from the counts is worked out anew.
 */
export function withProcesses(run: TrainingRun, counts: Counts, evidence: Evidence): TrainingRun {
  const bound = withSetting(run, 'nodes', { value: counts.nodes, evidence });
  const counted = withSetting(bound, 'processesPerNode', { value: counts.processesPerNode, evidence });
  return withDerived({
    ...counted,
    worldSize: { value: number(counted, 'worldSize'), evidence: { kind: 'assumed', reason: 'bound again' } },
  });
}
