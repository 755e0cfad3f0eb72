import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { loadFacts } from '../advisor/facts.js';
import { readScrape } from './metric-readers.js';
import { MIB } from './reading.js';
import type { DeviceReading, ScrapeContext } from './reading.js';

const NOW = 1_795_000_000_000;
const context: ScrapeContext = { source: 'dcgm', node: null, seenAtMs: NOW, gpus: loadFacts().gpus };

type Labels = Record<string, string>;
const T4: Labels = {
  gpu: '0',
  UUID: 'GPU-t4',
  pci_bus_id: '00000000:00:1E.0',
  device: 'nvidia0',
  modelName: 'Tesla T4',
  Hostname: 'n1',
};
const line = (metric: string, labels: Labels, value: number | string): string =>
  `${metric}{${Object.entries(labels)
    .map(([name, text]) => `${name}="${text}"`)
    .join(',')}} ${value}`;
const fb = (labels: Labels, values: { free?: number; used?: number; reserved?: number; total?: number }): string =>
  Object.entries(values)
    .map(([field, value]) => line(`DCGM_FI_DEV_FB_${field.toUpperCase()}`, labels, value))
    .join('\n');
const read = (...lines: string[]): readonly DeviceReading[] => readScrape(lines.join('\n'), context).readings;
const sizes = (...lines: string[]): unknown[] =>
  read(...lines).map(({ uuid, gpuInstance, capacityBytes, usedBytes }) => [
    gpuInstance === null ? uuid : `${uuid}/${gpuInstance}`,
    capacityBytes / MIB,
    usedBytes === null ? null : usedBytes / MIB,
  ]);

describe('dcgm-exporter', () => {
  it('shows a device with FREE and USED as its capacity', () => {
    expect(
      read(fb({ ...T4, DCGM_FI_DRIVER_VERSION: '580.105.08' }, { free: 9791, used: 5120, reserved: 447 })),
    ).toEqual([
      {
        vendor: 'nvidia',
        uuid: 'GPU-t4',
        gpuInstance: null,
        node: 'n1',
        index: 0,
        model: 'Tesla T4',
        migProfile: null,
        driverVersion: '580.105.08',
        capacityBytes: 14911 * MIB,
        capacitySource: 'dcgm',
        capacityNote: 'FB_FREE + FB_USED',
        usedBytes: 5120 * MIB,
        seenAtMs: NOW,
        pods: [],
      },
    ]);
  });

  it('needs no FB_TOTAL, and uses it less the reserve where FREE is missing', () => {
    expect(sizes(fb(T4, { total: 15360, reserved: 447, used: 12 }))).toEqual([['GPU-t4', 14913, 12]]);
    expect(sizes(fb(T4, { total: 15360, used: 12 }))).toEqual([['GPU-t4', 14912, 12]]);
    expect(sizes(fb(T4, { used: 12 }))).toEqual([]);
  });

  it('takes the reserve off where an old driver counts it as used', () => {
    expect(read(fb(T4, { free: 15109, used: 251 }))).toMatchObject([
      { capacityBytes: 14912 * MIB, capacityNote: expect.stringContaining('count the reserve') },
    ]);
    const a100 = { ...T4, modelName: 'NVIDIA A100-SXM4-40GB' };
    expect(sizes(fb(a100, { free: 40536, used: 0 }))).toEqual([['GPU-t4', 40536, 0]]);
    expect(sizes(fb(a100, { free: 40500, used: 460 }))).toEqual([['GPU-t4', 40509, 460]]);
  });

  it('has one device per GPU instance, told apart by id and not by profile', () => {
    const mig = { ...T4, modelName: 'NVIDIA A30', GPU_I_PROFILE: '1g.6gb' };
    expect(
      read(
        fb({ ...mig, GPU_I_ID: '3' }, { free: 6012, used: 3 }),
        fb({ ...mig, GPU_I_ID: '4' }, { free: 2207, used: 3808 }),
      ),
    ).toMatchObject([
      { gpuInstance: '3', migProfile: '1g.6gb', capacityBytes: 6015 * MIB },
      { gpuInstance: '4', migProfile: '1g.6gb', capacityBytes: 6015 * MIB },
    ]);
  });

  it.each([
    ['hostname in lower case', { ...T4, Hostname: '', hostname: 'n1' }],
    ['uuid in lower case', { ...T4, UUID: '', uuid: 'GPU-t4' }],
    ['a namespace of Prometheus', { ...T4, Hostname: '', exported_hostname: 'n1' }],
    ['labels in another order', Object.fromEntries(Object.entries(T4).reverse())],
    ['no bus id', { ...T4, pci_bus_id: '' }],
  ])('is read with %s', (_, labels) => {
    expect(read(fb(labels, { free: 14912, used: 0 }))).toMatchObject([{ uuid: 'GPU-t4', node: 'n1' }]);
  });

  it('is read in the words of version 1, on the node that discovery names', () => {
    const labels = { gpu: '2', uuid: 'GPU-old', pod_name: 'job-1', pod_namespace: 'ml', container_name: 'main' };
    const text = [line('dcgm_fb_free', labels, 16000), line('dcgm_fb_used', labels, 130)].join('\n');
    expect(readScrape(text, { ...context, node: 'found' }).readings).toMatchObject([
      { uuid: 'GPU-old', node: 'found', index: 2, pods: ['ml/job-1'], model: '', capacityBytes: 16130 * MIB },
    ]);
  });

  it('is called after its node and place where it has no UUID', () => {
    expect(sizes(fb({ gpu: '3', Hostname: 'n9' }, { free: 10, used: 1 }))).toEqual([['n9/3', 11, 1]]);
    expect(sizes(fb({ gpu: '3' }, { free: 10, used: 1 }))).toEqual([]);
  });

  it.each([9223372036854775794, 2147483632, -1, 'NaN', '+Inf'])('drops the blank %s', (blank) => {
    const text = [line('DCGM_FI_DEV_FB_FREE', T4, blank), line('DCGM_FI_DEV_FB_USED', T4, 5)];
    expect(read(...text)).toEqual([]);
    expect(read(...text, line('DCGM_FI_DEV_FB_FREE', { ...T4, UUID: 'GPU-b' }, 5))).toEqual([]);
  });

  it('leaves out a device that shows nothing at all', () => {
    expect(read(fb(T4, { free: 0, used: 0 }))).toEqual([]);
  });

  it('is not added up where virtual GPUs repeat the device for each pod', () => {
    const shared = (pod: string, vgpu: string) => ({ ...T4, namespace: 'ml', pod, vgpu });
    expect(
      read(
        fb(T4, { used: 9000 }),
        fb(shared('a', '0'), { free: 5912, used: 6000, reserved: 447 }),
        fb(shared('b', '1'), { free: 5912, used: 0, reserved: 447 }),
      ),
    ).toMatchObject([
      {
        capacityBytes: 14912 * MIB,
        usedBytes: 9000 * MIB,
        pods: ['ml/a', 'ml/b'],
        usedByPod: { 'ml/a': 6000 * MIB, 'ml/b': 0 },
      },
    ]);
  });

  it('never mixes a stale series with a fresh one', () => {
    const before = { ...T4, namespace: 'ml', pod: 'gone' };
    const now = { ...T4, namespace: 'ml', pod: 'here' };
    expect(sizes(fb(before, { free: 14900, used: 12 }), fb(now, { free: 912, used: 14000 }))).toMatchObject([
      ['GPU-t4', 14912, expect.any(Number)],
    ]);
  });

  it('knows the pod behind a Prometheus that keeps its own labels, and not the exporter', () => {
    const scraped = {
      ...T4,
      job: 'dcgm',
      instance: '10.0.0.7:9400',
      namespace: 'gpu-operator',
      pod: 'nvidia-dcgm-exporter-x',
    };
    const busy = { ...scraped, exported_namespace: 'ml', exported_pod: 'job-1' };
    expect(read(fb(scraped, { free: 14912, used: 0 }))).toMatchObject([{ pods: [] }]);
    expect(read(fb(busy, { free: 14912, used: 0 }))).toMatchObject([{ pods: ['ml/job-1'] }]);
  });

  it('takes empty pod labels for none', () => {
    expect(read(fb({ ...T4, container: '', namespace: '', pod: '' }, { free: 1, used: 1 }))).toMatchObject([
      { pods: [] },
    ]);
  });

  it('never shows more than one series said of a device, whatever is repeated', () => {
    const mib = fc.integer({ min: 0, max: 20_000 });
    const series = fc.record({ pod: fc.constantFrom('', 'a', 'b', 'c'), free: mib, used: mib });
    fc.assert(
      fc.property(fc.array(series, { minLength: 1, maxLength: 8 }), (all) => {
        const lines = all.map(({ pod, free, used }) => fb({ ...T4, namespace: 'ml', pod }, { free, used }));
        const [device, ...more] = read(...lines);
        expect(more).toEqual([]);
        const most = Math.max(...all.map(({ free }) => free)) + Math.max(...all.map(({ used }) => used));
        expect((device?.capacityBytes ?? 0) / MIB).toBeLessThanOrEqual(most);
      }),
    );
  });
});

describe('AMD’s device-metrics-exporter', () => {
  const labels = { gpu_id: '0', serial_number: 'S1', card_model: 'AMD Instinct MI300X', hostname: 'amd-1', pod: '' };
  const vram = (values: Record<string, number>): string[] =>
    Object.entries(values).map(([field, value]) => line(`gpu_${field}_vram`, labels, value));

  it('shows a card less what the driver keeps', () => {
    const [device] = read(...vram({ total: 196592, used: 283, free: 196309 }));
    expect(device).toMatchObject({ vendor: 'amd', uuid: 'S1', node: 'amd-1', usedBytes: 283 * MIB });
    expect((device?.capacityBytes ?? 0) / MIB).toBeGreaterThan(195_000);
    expect((device?.capacityBytes ?? 0) / MIB).toBeLessThan(196_592);
  });

  it('is known without its total', () => {
    expect(read(...vram({ used: 283, free: 196309 }))).toHaveLength(1);
    expect(read(...vram({ used: 283 }))).toEqual([]);
  });
});
