import { describe, expect, it } from '@jest/globals';
import { run as runOf, RUN_VALUES } from '../../../test/builders/run.js';
import { loadFacts } from '../../advisor/facts.js';
import type { RoleRun } from '../../run/device-runs.js';
import { ALONE } from '../../run/device-runs.js';
import type { RunValues, TrainingRun } from '../../run/training-run.js';
import type { DeviceTraits, Estimate, Interval } from '../estimate.js';
import { estimate } from '../estimator.js';
import { NotEstimable } from '../not-estimable.js';
import { estimateTogether } from './shared-device.js';
import type { SharedEstimate } from './shared-device.js';

const facts = loadFacts();
const GIB = 2 ** 30;
const A100: DeviceTraits = {
  model: 'NVIDIA A100-SXM4-80GB',
  vendor: 'nvidia',
  computeCapability: 8,
  usableBytes: 79 * GIB,
};
const MODEL = { name: 'gpt2', catalogId: null, config: null };
/** Elements of gpt2, its head tied to the embedding. */
const PARAMETERS = 124_439_808;
/** Its masks: 1024 by 1024 of one byte in each of 12 layers. */
const BUFFERS = 12 * 2 ** 20;

const gpt2 = (changes: Partial<RunValues> = {}): TrainingRun =>
  runOf({ model: MODEL, microBatchSize: 2, sequenceLength: 256, precision: 'fp32', ...changes });
const sharing = (changes: Partial<RunValues['sharing']>): Partial<RunValues> => ({ sharing: { ...ALONE, ...changes } });

const policy: RoleRun = { role: 'policy', run: gpt2() };
const frozen = (role: string, changes: Partial<RunValues> = {}): RoleRun => ({
  role,
  run: gpt2({ activity: 'forward', ...changes }),
});
const engine = (changes: Partial<RunValues['sharing']>): RoleRun => ({
  role: 'rollout',
  run: gpt2({ activity: 'generate', ...sharing(changes) }),
});

const alone = (run: TrainingRun): Estimate => estimate({ run, device: A100, facts });
const together = (...runs: RoleRun[]): SharedEstimate => estimateTogether({ runs, device: A100, facts });
const ordered = ({ low, expected, high }: Interval): boolean => low <= expected && expected <= high;

function expectSound({ together: all }: SharedEstimate): void {
  for (const figure of ['allocatedBytes', 'reservedBytes', 'deviceBytes', 'minimumCapacityBytes'] as const)
    expect(ordered(all[figure])).toBe(true);
  expect(all.allocatedBytes.expected).toBeLessThanOrEqual(all.reservedBytes.expected);
  expect(all.reservedBytes.expected).toBeLessThanOrEqual(all.deviceBytes.expected);
  const sum = all.breakdown.reduce((total, { bytes }) => total + bytes, 0);
  expect(sum).toBe(all.deviceBytes.expected);
  expect(all.breakdown.every(({ bytes }) => bytes > 0)).toBe(true);
}

describe('a model that only runs forward', () => {
  it('holds its parameters and the activations of one layer at a time, and trains nothing', () => {
    const reference = alone(frozen('reference').run);
    const trained = alone(gpt2());
    expect(reference.parameters.trainable).toBe(0);
    const kept = reference.breakdown.find(({ category }) => category === 'parameters')?.bytes ?? 0;
    expect(kept).toBeGreaterThanOrEqual(PARAMETERS * 4);
    expect(kept).toBeLessThan(PARAMETERS * 4 * 1.01);
    expect(reference.breakdown.map(({ category }) => category)).not.toContain('gradients');
    expect(reference.allocatedBytes.expected).toBeLessThan(trained.allocatedBytes.expected / 2);
  });

  it.each([
    ['zero2', 1],
    ['zero3', 4],
    ['fsdp-full', 4],
  ] as const)('under %s keeps a part of %d of its parameters on each rank', (sharding, parts) => {
    const parallelism = { ...RUN_VALUES.parallelism, sharding, shardSize: 4, data: 4 };
    const reference = frozen('reference', { parallelism, worldSize: 4, processesPerNode: 4, precision: 'bf16' });
    const shared = together(policy, reference);
    const held = shared.together.turns![0]!.heldBytes - together(policy).together.turns![0]!.heldBytes;
    expect(held - (PARAMETERS * 2) / parts).toBeGreaterThan(0);
    expect(held - (PARAMETERS * 2) / parts).toBeLessThan(BUFFERS + 2 ** 20);
  });
});

describe('several models on one device', () => {
  it('need what all of them hold, and the largest turn', () => {
    const shared = together(policy, frozen('reference'));
    const [trained, reference] = shared.alone.map(({ estimate: one }) => one) as [Estimate, Estimate];
    const { deviceBytes } = shared.together;
    expect(deviceBytes.expected).toBeGreaterThan(trained.deviceBytes.expected + PARAMETERS * 4 * 0.99);
    expect(deviceBytes.expected).toBeLessThan(trained.deviceBytes.expected + reference.deviceBytes.expected);
    expect(shared.together.turns?.map(({ role }) => role)).toEqual(['policy', 'reference']);
    expectSound(shared);
  });

  it('pile up where one works within the step of the other', () => {
    const more = { microBatchSize: 8 };
    const apart = together(policy, frozen('reference', more));
    const within = together(policy, frozen('reference', { ...more, ...sharing({ turn: 'within-step' }) }));
    expect(within.together.allocatedBytes.expected).toBeGreaterThan(apart.together.allocatedBytes.expected);
    expectSound(within);
  });

  it('give room where one leaves the device between its turns', () => {
    const stays = together(policy, frozen('reference'));
    const leaves = together(policy, frozen('reference', sharing({ keepsParameters: false })));
    const saved = stays.together.deviceBytes.expected - leaves.together.deviceBytes.expected;
    expect(saved).toBeGreaterThan(PARAMETERS * 4 * 0.9);
    expect(saved).toBeLessThan(PARAMETERS * 4 * 1.1);
  });

  it('need the weights once where one works with those of the other', () => {
    const own = together(policy, frozen('reference')).together;
    const borrowed = together(policy, frozen('reference', sharing({ borrowsWeights: true }))).together;
    const saved = own.deviceBytes.expected - borrowed.deviceBytes.expected;
    expect(saved).toBeGreaterThan(PARAMETERS * 4 * 0.95);
    expect(saved).toBeLessThan(PARAMETERS * 4 * 1.1);
  });

  it('have a context each where each has a process', () => {
    const common = together(policy, frozen('reference')).together;
    const own = together(policy, frozen('reference', sharing({ process: 'own', emptiesCache: true }))).together;
    expect(own.deviceBytes.expected - common.deviceBytes.expected).toBeGreaterThan(300 * 2 ** 20);
  });

  it('are refused together, by the field, where one of them is not known', () => {
    const unknown = frozen('reference', { model: { name: 'nobody/knows-this', catalogId: null, config: null } });
    expect(() => together(policy, unknown)).toThrow(NotEstimable);
  });
});

describe('an inference engine beside the training', () => {
  it('that stays awake leaves the training the rest of the device', () => {
    const shared = together(policy, engine({ deviceShare: 0.5 }));
    const trained = shared.alone[0]!.estimate;
    expect(shared.together.minimumCapacityBytes.expected).toBe(2 * trained.minimumCapacityBytes.expected);
    expect(shared.together.deviceBytes.expected).toBeGreaterThan(
      0.5 * A100.usableBytes! + trained.reservedBytes.expected,
    );
    expectSound(shared);
  });

  it('that sleeps has its turn: what the others hold must fit beside its share', () => {
    const awake = together(policy, engine({ deviceShare: 0.9 })).together;
    const asleep = together(policy, engine({ deviceShare: 0.9, keepsParameters: false })).together;
    const held = asleep.turns![0]!.heldBytes;
    expect(asleep.minimumCapacityBytes.expected).toBeGreaterThanOrEqual(held / (1 - 0.9) - 1);
    expect(asleep.minimumCapacityBytes.expected).toBeLessThan(awake.minimumCapacityBytes.expected);
    expect(asleep.peak.phase).toBe('generate');
    expect(asleep.notes).toContain('rollout takes 90 % of the device in its turn: the others must do with the rest');
    expect(awake.notes).toContain('rollout takes 90 % of the device all the time: the others must do with the rest');
  });

  it('that is the policy itself takes keys and values of all that it writes at once', () => {
    const rows = 16;
    const itself = { activity: 'generate', microBatchSize: rows, ...sharing({ borrowsWeights: true }) } as const;
    const { allocatedBytes } = alone(gpt2(itself));
    expect(allocatedBytes.low).toBe(2 * 12 * 768 * 2 * 256 * rows);
  });

  it('of its own process is held to its share by what weights and one sequence take', () => {
    const { minimumCapacityBytes } = alone(engine({ deviceShare: 0.1, process: 'own' }).run);
    expect(minimumCapacityBytes.low).toBeGreaterThan((PARAMETERS * 2) / 0.1);
  });
});
