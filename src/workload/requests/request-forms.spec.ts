import { describe, expect, it } from '@jest/globals';
import { readWorkload } from '../read-workload.js';
import type { DeviceRequest, JsonObject, Workload } from '../workload.js';
import { REQUEST_FORMS } from './request-forms.js';

const MIB = 2 ** 20;
const GIB = 2 ** 30;

function readPod(
  podSpec: JsonObject,
  more: { annotations?: JsonObject; objects?: Record<string, JsonObject> } = {},
): Workload {
  const manifest: JsonObject = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'p', annotations: more.annotations ?? {} },
    spec: podSpec,
  };
  return readWorkload(manifest, { object: (kind, name) => more.objects?.[`${kind}/${name}`] })!;
}

function asked(limits: JsonObject, annotations: JsonObject = {}): readonly DeviceRequest[] {
  return readPod({ containers: [{ name: 'main', resources: { limits } }] }, { annotations }).podSets[0]!.devices;
}

describe('a container that asks for', () => {
  it.each<[string, JsonObject, Partial<DeviceRequest>]>([
    ['GPUs', { 'nvidia.com/gpu': 4 }, { resource: 'nvidia.com/gpu', form: 'device', count: 4, memoryBytes: null }],
    ['GPUs in a quantity with a suffix', { 'nvidia.com/gpu': '1e0' }, { form: 'device', count: 1 }],
    ['replicas of shared GPUs', { 'nvidia.com/gpu.shared': 1 }, { resource: 'nvidia.com/gpu.shared', form: 'shared' }],
    ['a MIG profile', { 'nvidia.com/mig-3g.40gb': 1 }, { form: 'mig', migProfile: '3g.40gb', count: 1 }],
    ['a MIG profile with media engines', { 'nvidia.com/mig-1g.10gb.me': 2 }, { migProfile: '1g.10gb+me', count: 2 }],
    [
      'HAMi memory',
      { 'nvidia.com/gpu': 2, 'nvidia.com/gpumem': '3k' },
      { resource: 'nvidia.com/gpu', form: 'memory', count: 2, memoryBytes: 3000 * MIB },
    ],
    [
      'HAMi memory without a count',
      { 'nvidia.com/gpumem': 8000 },
      { form: 'memory', count: 1, memoryBytes: 8000 * MIB },
    ],
    ['HAMi percent', { 'nvidia.com/gpu': 1, 'nvidia.com/gpumem-percentage': 50 }, { form: 'fraction', fraction: 0.5 }],
    ['HAMi cores only', { 'nvidia.com/gpu': 1, 'nvidia.com/gpucores': 30 }, { form: 'device', count: 1 }],
    [
      'Volcano vGPUs',
      { 'volcano.sh/vgpu-number': 2, 'volcano.sh/vgpu-memory': 10240 },
      { form: 'memory', count: 2, memoryBytes: 10 * GIB },
    ],
    [
      'a percentage of Volcano vGPUs',
      { 'volcano.sh/vgpu-number': 2, 'volcano.sh/vgpu-memory-percentage': 25, 'volcano.sh/vgpu-cores': 30 },
      { resource: 'volcano.sh/vgpu-number', form: 'fraction', count: 2, fraction: 0.25 },
    ],
    [
      'cores of a Volcano vGPU only',
      { 'volcano.sh/vgpu-number': 1, 'volcano.sh/vgpu-cores': 50 },
      { form: 'device', count: 1, memoryBytes: null },
    ],
    ['Volcano shared memory', { 'volcano.sh/gpu-memory': 1024 }, { form: 'memory', count: 1, memoryBytes: GIB }],
    ['Volcano cards', { 'volcano.sh/gpu-number': 2 }, { form: 'device', count: 2 }],
    ['a whole GPU of Koordinator', { 'koordinator.sh/gpu': 100 }, { form: 'device', count: 1 }],
    ['two GPUs of Koordinator', { 'koordinator.sh/gpu': 200 }, { form: 'device', count: 2 }],
    ['half a GPU of Koordinator', { 'koordinator.sh/gpu-memory-ratio': 50 }, { form: 'fraction', fraction: 0.5 }],
    [
      'memory of Koordinator over two devices',
      { 'koordinator.sh/gpu.shared': 2, 'koordinator.sh/gpu-memory': '16Gi' },
      { form: 'memory', count: 2, memoryBytes: 8 * GIB },
    ],
    [
      'cores and memory of Koordinator',
      { 'koordinator.sh/gpu-core': 50, 'koordinator.sh/gpu-memory': '20Gi' },
      { resource: 'koordinator.sh/gpu-memory', form: 'memory', count: 1, memoryBytes: 20 * GIB },
    ],
    [
      'fewer cores of Koordinator than memory',
      { 'koordinator.sh/gpu-core': 30, 'koordinator.sh/gpu-memory-ratio': 60 },
      { form: 'fraction', count: 1, fraction: 0.6 },
    ],
    [
      'cores and memory of two whole GPUs of Koordinator',
      { 'koordinator.sh/gpu-core': 200, 'koordinator.sh/gpu-memory-ratio': 200 },
      { resource: 'koordinator.sh/gpu', form: 'device', count: 2 },
    ],
    [
      'cores of Koordinator only',
      { 'koordinator.sh/gpu-core': 50 },
      { form: 'shared', count: 1, places: ['spec.containers[0].resources.limits["koordinator.sh/gpu-core"]'] },
    ],
    ['GiB of Aliyun', { 'aliyun.com/gpu-mem': 7 }, { form: 'memory', count: 1, memoryBytes: 7 * GIB }],
    [
      'GiB of Aliyun over two cards',
      { 'aliyun.com/gpu-mem': 16, 'aliyun.com/gpu-count': 2 },
      { resource: 'aliyun.com/gpu-mem', form: 'memory', count: 2, memoryBytes: 8 * GIB },
    ],
    [
      'cores and GiB of Aliyun',
      { 'aliyun.com/gpu-core.percentage': 30, 'aliyun.com/gpu-mem': 4 },
      { form: 'memory', count: 1, memoryBytes: 4 * GIB },
    ],
    ['a whole card of Tencent', { 'tencent.com/vcuda-core': 200 }, { form: 'device', count: 2 }],
    [
      'a part of a card of Tencent',
      { 'tencent.com/vcuda-core': 30, 'tencent.com/vcuda-memory': 16 },
      { form: 'memory', count: 1, memoryBytes: 4 * GIB },
    ],
    ['AMD GPUs', { 'amd.com/gpu': 8 }, { vendor: 'amd', form: 'device', count: 8 }],
    ['AMD partitions', { 'amd.com/cpx_nps4': 2 }, { vendor: 'amd', form: 'mig', migProfile: 'cpx_nps4' }],
    ['Intel GPUs', { 'gpu.intel.com/i915': 1 }, { vendor: 'intel', form: 'device' }],
    [
      'memory of an Intel GPU',
      { 'gpu.intel.com/xe': 1, 'gpu.intel.com/memory.max': '4Gi' },
      { vendor: 'intel', form: 'memory', memoryBytes: 4 * GIB },
    ],
    ['Gaudi', { 'habana.ai/gaudi': 8 }, { vendor: 'habana', form: 'device', count: 8 }],
  ])('%s', (_, limits, expected) => {
    const devices = asked(limits);
    expect(devices).toHaveLength(1);
    expect(devices[0]).toMatchObject(expected);
  });

  it('network adapters besides asks for no devices by them', () => {
    const pod = readPod({ containers: [{ name: 'c', resources: { limits: { 'vpc.amazonaws.com/efa': 4 } } }] });
    expect(pod.podSets[0]).toMatchObject({ devices: [], placement: { otherRequests: { 'vpc.amazonaws.com/efa': 4 } } });
  });

  it('devices without a limit is told that Kubernetes refuses it', () => {
    const pod = readPod({ containers: [{ name: 'c', resources: { requests: { 'nvidia.com/gpu': 1 } } }] });
    expect(pod.podSets[0]!.devices).toMatchObject([{ count: 1 }]);
    expect(pod.notes).toEqual(['nvidia.com/gpu: requested without a limit, which Kubernetes refuses']);
  });

  it('none of them asks for none', () => {
    expect(asked({ 'nvidia.com/gpu': 0, cpu: 1 })).toEqual([]);
  });

  it('accelerators that are not assessed is told so', () => {
    const pod = readPod({ containers: [{ name: 'c', resources: { limits: { 'google.com/tpu': 4 } } }] });
    expect(pod.notes).toEqual(['google.com/tpu is an accelerator that is not assessed']);
  });

  it.each([0.5, -1, '1.5', 1e12, 'two', {}, []])('%j GPUs is unreadable', (count) => {
    expect(() => asked({ 'nvidia.com/gpu': count })).toThrow('spec.containers[0].resources.limits["nvidia.com/gpu"]');
  });
});

describe('a pod whose annotations ask for', () => {
  it('a share of a GPU gets it for the container that is named', () => {
    const containers = [{ name: 'proxy' }, { name: 'train' }];
    const annotations = { 'gpu-fraction': '0.5', 'gpu-fraction-container-name': 'train' };
    const [podSet] = readPod({ containers }, { annotations }).podSets;
    expect(podSet!.containers.map(({ devices }) => devices.length)).toEqual([0, 1]);
    expect(podSet!.devices).toMatchObject([{ resource: 'gpu-fraction', form: 'fraction', fraction: 0.5, count: 1 }]);
  });

  it('memory gets it on as many devices as are said', () => {
    expect(asked({}, { 'gpu-memory': '2000', 'gpu-fraction-num-devices': '2' })).toMatchObject([
      {
        form: 'memory',
        count: 2,
        memoryBytes: 2000 * MIB,
        places: ['metadata.annotations.gpu-fraction-num-devices'],
      },
    ]);
  });

  it('what envsubst fills in is assumed to get a whole one, and says so', () => {
    expect(asked({}, { 'gpu-fraction': '${SHARE}' })).toMatchObject([
      { form: 'fraction', fraction: 1, unresolved: { kind: 'envsubst', names: ['SHARE'] } },
    ]);
  });

  it('nonsense is unreadable', () => {
    expect(() => asked({}, { 'gpu-fraction': 'half' })).toThrow('metadata.annotations.gpu-fraction');
  });
});

describe('a pod with resource claims', () => {
  const podSpec: JsonObject = {
    resourceClaims: [{ name: 'gpu', resourceClaimTemplateName: 'two-gpus' }],
    containers: [
      { name: 'a', resources: { claims: [{ name: 'gpu' }] } },
      { name: 'b', resources: { claims: [{ name: 'gpu' }] } },
    ],
  };
  const template = (requests: JsonObject[]): Record<string, JsonObject> => ({
    'ResourceClaimTemplate/two-gpus': { spec: { spec: { devices: { requests } } } },
  });

  it('has the devices of the claim once, however many containers share it', () => {
    const objects = template([{ name: 'r', exactly: { deviceClassName: 'gpu.nvidia.com', count: 2 } }]);
    expect(readPod(podSpec, { objects }).podSets[0]!.devices).toMatchObject([
      { resource: 'gpu.nvidia.com', form: 'claim', vendor: 'nvidia', count: 2, claim: 'gpu' },
    ]);
  });

  it('has the profile that a selector names', () => {
    const expression = "device.attributes['gpu.nvidia.com'].profile == '1g.10gb'";
    const exactly = { deviceClassName: 'mig.nvidia.com', selectors: [{ cel: { expression } }] };
    const objects = template([{ name: 'r', exactly }]);
    expect(readPod(podSpec, { objects }).podSets[0]!.devices).toMatchObject([
      { migProfile: '1g.10gb', selectors: [expression] },
    ]);
  });

  it('that exists already has the devices of that ResourceClaim', () => {
    const [resourceClaims, resources] = [
      [{ name: 'gpu', resourceClaimName: 'shared-a100s' }],
      { claims: [{ name: 'gpu', request: 'train' }] },
    ];
    const requests: JsonObject[] = [
      { name: 'train', exactly: { deviceClassName: 'gpu.nvidia.com', count: 4 } },
      { name: 'infer', exactly: { deviceClassName: 'gpu.nvidia.com', count: 1 } },
    ];
    const claimed = { resourceClaims, containers: [{ name: 'a', resources }] };
    const objects = { 'ResourceClaim/shared-a100s': { spec: { devices: { requests } } } };
    expect(readPod(claimed, { objects }).podSets[0]!.devices).toMatchObject([
      { form: 'claim', count: 4, claim: 'gpu' },
    ]);
    expect(readPod(claimed).notes[0]).toContain('ResourceClaim shared-a100s is another object that was not given');
  });

  it('is assumed to have one where the template was not given, and says so', () => {
    const pod = readPod(podSpec);
    expect(pod.podSets[0]!.devices).toMatchObject([{ form: 'claim', count: 1, unresolved: { kind: 'not-given' } }]);
    expect(pod.notes[0]).toContain('ResourceClaimTemplate two-gpus is another object that was not given');
  });

  it('for other things than GPUs has none', () => {
    const pod = readPod(podSpec, {
      objects: template([{ name: 'r', exactly: { deviceClassName: 'nic.example.com' } }]),
    });
    expect(pod.podSets[0]!.devices).toEqual([]);
  });
});

describe('the table of request forms', () => {
  it('names each form once, with what people write', () => {
    const names = REQUEST_FORMS.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(REQUEST_FORMS.every(({ writes }) => writes.length > 0)).toBe(true);
  });
});
