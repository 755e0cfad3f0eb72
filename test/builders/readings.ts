import type { DeviceReading } from '../../src/inventory/reading.js';

/** A reading of an idle A100-80GB; fields as given. */
export function reading(fields: Partial<DeviceReading> = {}): DeviceReading {
  return {
    vendor: 'nvidia',
    uuid: 'GPU-1',
    gpuInstance: null,
    node: 'n1',
    index: 0,
    model: 'NVIDIA A100-SXM4-80GB',
    migProfile: null,
    driverVersion: '570.133.20',
    capacityBytes: 81_226 * 2 ** 20,
    capacitySource: 'dcgm',
    capacityNote: 'FB_FREE + FB_USED',
    usedBytes: 0,
    seenAtMs: Date.UTC(2026, 10, 20, 12),
    pods: [],
    ...fields,
  };
}
