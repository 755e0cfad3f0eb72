import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../advisor/facts.js';
import { handoutOf } from './handout.js';
import type { Node } from './inventory.js';
import { readLabels } from './labels.js';
import { MIB } from './reading.js';

const { gpus } = loadFacts();
const node = (labels: Record<string, string>, allocatable: Record<string, number> = {}): Node => ({
  name: 'n1',
  labels,
  taints: [],
  unschedulable: false,
  ready: true,
  allocatable,
  requested: {},
});
const gfd = (product: string, memory: number, rest: Record<string, string> = {}): Record<string, string> => ({
  'nvidia.com/gpu.product': product,
  'nvidia.com/gpu.memory': String(memory),
  'nvidia.com/gpu.count': '8',
  ...rest,
});
const summary = (labels: Record<string, string>, allocatable?: Record<string, number>): unknown[] =>
  readLabels(node(labels, allocatable), gpus).map(({ model, migProfile, count, capacityBytes, capacitySource }) => [
    count,
    model,
    migProfile,
    Math.round(capacityBytes / MIB),
    capacitySource,
  ]);

describe('labels of GPU Feature Discovery', () => {
  it('give the total, of which the driver keeps its part', () => {
    expect(summary(gfd('NVIDIA-H100-80GB-HBM3', 81559), { 'nvidia.com/gpu': 8 })).toEqual([
      [8, 'NVIDIA H100 80GB HBM3', null, 81090, 'node-label'],
    ]);
  });

  it('of older drivers leave the reserve out already', () => {
    expect(summary(gfd('Tesla-T4', 15109))).toEqual([[8, 'Tesla T4', null, 14912, 'node-label']]);
    expect(summary(gfd('NVIDIA-A100-SXM4-40GB', 40536))).toEqual([
      [8, 'NVIDIA A100-SXM4-40GB', null, 40509, 'node-label'],
    ]);
  });

  it('of a model that nobody knows are taken less an assumed reserve', () => {
    expect(summary(gfd('NVIDIA-Z9000', 100_000))).toEqual([[8, 'NVIDIA-Z9000', null, 97_000, 'node-label']]);
    expect(summary(gfd('NVIDIA-Z10', 4_000))).toEqual([[8, 'NVIDIA-Z10', null, 3_744, 'node-label']]);
  });

  it('count shared GPUs once, whether replicas are per GPU or in total', () => {
    const shared = { 'nvidia.com/gpu.count': '2', 'nvidia.com/gpu.sharing-strategy': 'time-slicing' };
    const perGpu = gfd('Tesla-T4-SHARED', 15360, { ...shared, 'nvidia.com/gpu.replicas': '4' });
    const inTotal = gfd('Tesla-T4-SHARED', 15360, { ...shared, 'nvidia.com/gpu.replicas': '8' });
    for (const labels of [perGpu, inTotal]) {
      expect(summary(labels, { 'nvidia.com/gpu': 8 })).toEqual([[2, 'Tesla T4', null, 14912, 'node-label']]);
      expect(handoutOf(node(labels, { 'nvidia.com/gpu': 8 }), 'nvidia', null)).toEqual({
        resource: 'nvidia.com/gpu',
        replicas: 4,
      });
    }
  });

  it('name the shared resource where it is renamed', () => {
    const labels = gfd('Tesla-T4', 15360, { 'nvidia.com/gpu.count': '1', 'nvidia.com/gpu.replicas': '3' });
    const offer = { 'nvidia.com/gpu': 0, 'nvidia.com/gpu.shared': 3 };
    expect(summary(labels, offer)).toEqual([[1, 'Tesla T4', null, 14912, 'node-label']]);
    expect(handoutOf(node(labels, offer), 'nvidia', null)).toEqual({ resource: 'nvidia.com/gpu.shared', replicas: 3 });
  });

  it('are of the slice under the single strategy', () => {
    const labels = gfd('NVIDIA-A100-SXM4-40GB-MIG-1g.5gb', 4864, {
      'nvidia.com/gpu.count': '56',
      'nvidia.com/mig.strategy': 'single',
    });
    expect(summary(labels, { 'nvidia.com/gpu': 56 })).toEqual([
      [56, 'NVIDIA A100-SXM4-40GB', '1g.5gb', 4864, 'node-label'],
    ]);
    expect(handoutOf(node(labels, { 'nvidia.com/gpu': 56 }), 'nvidia', '1g.5gb').resource).toBe('nvidia.com/gpu');
  });

  it('are per profile under the mixed strategy, beside the GPUs that are whole', () => {
    const labels = gfd('NVIDIA-A100-SXM4-80GB', 81920, {
      'nvidia.com/mig.strategy': 'mixed',
      'nvidia.com/mig-1g.10gb.count': '7',
      'nvidia.com/mig-1g.10gb.memory': '9728',
      'nvidia.com/mig-1g.10gb.me.count': '1',
      'nvidia.com/mig-1g.10gb.me.memory': '9728',
      'nvidia.com/mig-3g.40gb.count': '2',
      'nvidia.com/mig-3g.40gb.memory': '40192 MiB',
      'nvidia.com/mig-2g.20gb.count': '0',
    });
    const offer = { 'nvidia.com/gpu': 6, 'nvidia.com/mig-1g.10gb': 7, 'nvidia.com/mig-3g.40gb': 2 };
    expect(summary(labels, offer)).toEqual([
      [6, 'NVIDIA A100-SXM4-80GB', null, 80998, 'node-label'],
      [7, 'NVIDIA A100-SXM4-80GB', '1g.10gb', 9728, 'node-label'],
      [1, 'NVIDIA A100-SXM4-80GB', '1g.10gb.me', 9728, 'node-label'],
      [2, 'NVIDIA A100-SXM4-80GB', '3g.40gb', 40192, 'node-label'],
    ]);
  });

  it.each([
    gfd('NVIDIA-A100-SXM4-40GB-MIG-INVALID', 0, { 'nvidia.com/gpu.count': '0' }),
    gfd('NVIDIA-A100-SXM4-40GB', 40960, { 'nvidia.com/gpu.count': '0' }),
    gfd('Unknown-GPU', 0),
    gfd('', 40960),
    { 'nvidia.com/gpu.product': 'NVIDIA-L4', 'nvidia.com/gpu.count': '-3' },
    { 'nvidia.com/gpu.product': 'NVIDIA-L4', 'nvidia.com/gpu.count': '99999999999999' },
    {},
  ])('that say nothing give nothing: %j', (labels) => {
    expect(summary(labels)).toEqual([]);
  });
});

describe('labels of others', () => {
  it.each([
    [{ 'cloud.google.com/gke-accelerator': 'nvidia-tesla-t4' }, 'Tesla T4', 14912],
    [{ 'cloud.google.com/gke-accelerator': 'nvidia-l4' }, 'NVIDIA L4', 22528],
    [
      { 'karpenter.k8s.aws/instance-gpu-name': 'a100', 'karpenter.k8s.aws/instance-gpu-memory': '81920' },
      'NVIDIA A100-SXM4-80GB',
      80998,
    ],
    [
      { 'karpenter.k8s.aws/instance-gpu-name': 'a100', 'karpenter.k8s.aws/instance-gpu-memory': '40960' },
      'NVIDIA A100-SXM4-40GB',
      40509,
    ],
    [{ 'node.kubernetes.io/instance-type': 'p5.48xlarge' }, 'NVIDIA H100 80GB HBM3', 81090],
    [{ 'node.kubernetes.io/instance-type': 'a2-ultragpu-4g' }, 'NVIDIA A100-SXM4-80GB', 80998],
    [{ 'node.kubernetes.io/instance-type': 'Standard_ND96asr_v4' }, 'NVIDIA A100-SXM4-40GB', 40509],
  ])('tell the model by the cloud: %j', (labels, model, mib) => {
    expect(summary(labels, { 'nvidia.com/gpu': 4 })).toEqual([[4, model, null, mib, 'instance-type']]);
  });

  it.each([
    ['p4d.24xlarge', 8],
    ['g4dn.xlarge', 1],
    ['g4dn.12xlarge', 4],
    ['g5.48xlarge', 8],
    ['g2-standard-24', 2],
    ['a3-highgpu-8g', 8],
    ['Standard_NC48ads_A100_v4', 2],
    ['Standard_NC64as_T4_v3', 4],
  ])('tell how many GPUs a %s has', (type, count) => {
    const [[counted] = []] = summary({ 'node.kubernetes.io/instance-type': type }) as [number][];
    expect(counted).toBe(count);
  });

  it('of AMD’s node labeller', () => {
    const labels = { 'amd.com/gpu.vram': '192G', 'amd.com/gpu.product-name': 'AMD_Instinct_MI300X_OAM' };
    expect(summary(labels, { 'amd.com/gpu': 8 })).toMatchObject([
      [8, expect.stringContaining('MI300X'), null, expect.any(Number), 'node-label'],
    ]);
  });

  it('of AMD’s node labeller, with sizes in their keys', () => {
    const older = { 'beta.amd.com/gpu.vram.16G': '1', 'beta.amd.com/gpu.family.AI': '1' };
    expect(summary(older, { 'amd.com/gpu': 4 })).toMatchObject([[4, 'AMD', null, expect.any(Number), 'node-label']]);
    const mixed = { 'amd.com/gpu.vram.192G': '6', 'amd.com/gpu.vram.64G': '2', 'amd.com/gpu.vram.x': '1' };
    const [large, small] = summary(mixed, { 'amd.com/gpu': 8 }) as [number, string, null, number][];
    expect([large?.[0], small?.[0]]).toEqual([6, 2]);
    expect(large?.[3]).toBeGreaterThan(180 * 1024);
    expect(small?.[3]).toBeLessThan(64 * 1024);
    expect(summary(mixed, {})).toEqual([]);
  });

  it('of a cloud machine without GPUs on offer give nothing', () => {
    expect(summary({ 'node.kubernetes.io/instance-type': 'p5.48xlarge' }, { 'nvidia.com/gpu': 0 })).toEqual([]);
    expect(summary({ 'node.kubernetes.io/instance-type': 'm7i.8xlarge' })).toEqual([]);
  });
});
