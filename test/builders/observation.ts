import type { Ending } from '../../src/observation/container-status.js';
import { firstUse, furtherUse } from '../../src/observation/device-use.js';
import type { DeviceUse, UseSample } from '../../src/observation/device-use.js';
import type { ObservedRun, PodObservation } from '../../src/observation/pod-observation.js';

export const GIB = 1024 ** 3;
export const MINUTE_MS = 60_000;
const A100 = 'NVIDIA A100-SXM4-80GB';

/** What is said of an observation; all else is a run on one A100 that ended well after an hour. */
export interface ObservationChange {
  id?: string;
  workload?: string;
  fingerprint?: string;
  launch?: string;
  usedGib?: number;
  baselineGib?: number;
  capacityGib?: number;
  /** In use from here on; the peak is reached at once. */
  startedAtMs?: number;
  minutes?: number;
  ending?: Ending | null;
  deviceClass?: string;
  sharing?: DeviceUse['sharing'];
  run?: Partial<ObservedRun>;
  estimateGib?: number;
}

/** Samples of a pod that uses the same all the time, one each half minute. */
export function steadyUse(change: ObservationChange = {}): DeviceUse {
  const { usedGib = 60, baselineGib, capacityGib = 79, startedAtMs = 0, minutes = 60, sharing = 'alone' } = change;
  const sample = (step: number): UseSample => ({
    atMs: startedAtMs + step * (MINUTE_MS / 2),
    usedBytes: usedGib * GIB,
    capacityBytes: capacityGib * GIB,
    sharing,
  });
  let use = firstUse(sample(0), baselineGib === undefined ? null : baselineGib * GIB);
  for (let step = 1; step <= minutes * 2; step += 1) use = furtherUse(use, sample(step), sample(step).atMs);
  return use;
}

export function observation(change: ObservationChange = {}): PodObservation {
  const { id = 'pod-1/0', workload = 'w-1', deviceClass = A100, ending = 'completed', estimateGib = 58 } = change;
  const around = (gib: number): { low: number; expected: number; high: number } => ({
    low: gib * 0.97 * GIB,
    expected: gib * GIB,
    high: gib * 1.03 * GIB,
  });
  return {
    id,
    cluster: 'default',
    workload: { apiVersion: 'batch/v1', kind: 'Job', namespace: 'team-a', name: workload, uid: workload },
    pod: `${workload}-x`,
    node: 'gpu-1',
    run: {
      podSet: 'main',
      fingerprint: change.fingerprint ?? 'f-1',
      launch: change.launch ?? 'l-1',
      model: 'gpt2',
      framework: 'pytorch',
      program: 'transformers',
      programVersion: '4.46.0',
      torch: '2.4.1',
      cuda: '12.1',
      estimate: {
        deviceBytes: around(estimateGib),
        minimumCapacityBytes: around(estimateGib - 1),
        contextBytes: 0.5 * GIB,
      },
      ...change.run,
    },
    device: { deviceClass, model: A100, vendor: 'nvidia', computeCapability: 8 },
    devices: 1,
    use: steadyUse(change),
    ending,
  };
}
