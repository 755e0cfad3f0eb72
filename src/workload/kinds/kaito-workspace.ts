import type { Field } from '../field.js';
import { NO_LAUNCH_FACTS } from '../pod-template/pod-set.js';
import { unresolvedAt } from '../unresolved.js';
import type { Container, DeviceRequest, KindReading, Placement, PodSet, Statement } from '../workload.js';
import type { WorkloadKind } from './workload-kind.js';

/**
 * GPUs of the machine types that KAITO knows (kaito-project/kaito pkg/sku/azure_sku_handler.go); a tuning pod takes all
 * GPUs of its machine (pkg/workspace/tuning/preset_tuning.go).
 */
const GPUS_OF_MACHINE: Readonly<Record<string, number>> = {
  Standard_NC4as_T4_v3: 1,
  Standard_NC8as_T4_v3: 1,
  Standard_NC16as_T4_v3: 1,
  Standard_NC64as_T4_v3: 4,
  Standard_NV36ads_A10_v5: 1,
  Standard_NV72ads_A10_v5: 2,
  Standard_NC24ads_A100_v4: 1,
  Standard_NC48ads_A100_v4: 2,
  Standard_NC96ads_A100_v4: 4,
  Standard_ND96asr_A100_v4: 8,
  Standard_ND96amsr_A100_v4: 8,
  Standard_NC40ads_H100_v5: 1,
  Standard_NC80adis_H100_v5: 2,
  Standard_ND96isr_H100_v5: 8,
  Standard_NCC40ads_H100_v5: 1,
  Standard_ND96isr_H200_v5: 8,
};
const CONFIG_MOUNT = '/mnt/config';
/** The operator's own ConfigMaps, used where the workspace names none. */
const DEFAULT_CONFIG: Readonly<Record<string, string>> = {
  lora: 'lora-params-template',
  qlora: 'qlora-params-template',
};

/**
 * KAITO's Workspace: a preset model that the operator tunes, or serves, with pods of its own making. Its fields stand at
 * the top of the object, without a spec.
 */
export const kaitoWorkspace: WorkloadKind = {
  apiGroup: 'kaito.sh',
  kind: 'Workspace',
  versions: ['v1beta1', 'v1alpha1'],
  resource: 'workspaces',
  read(object: Field): KindReading {
    const tuning = object.get('tuning');
    const role = tuning.present ? 'tuning' : 'server';
    const podSet = readWorkspacePods(object, role);
    if (!tuning.present) object.log.note('serves a preset: read as serving, not as training');
    return { podSets: [podSet], gangSize: null, suspended: false, purpose: tuning.present ? 'training' : 'serving' };
  },
};

function readWorkspacePods(object: Field, role: string): PodSet {
  const devices = machineDevices(object.get('resource'));
  const nodes = object.get('resource', 'count').count(1);
  return {
    name: 'main',
    role,
    replicas: nodes.value,
    replicasUnresolved: nodes.unresolved,
    path: role === 'tuning' ? 'tuning' : 'resource',
    containers: [workspaceContainer(object, devices)],
    devices,
    placement: machinePlacement(object.get('resource')),
    annotations: {},
    launch: {
      ...NO_LAUNCH_FACTS,
      processesPerPod: devices[0]?.unresolved === undefined ? (devices[0]?.count ?? null) : null,
      env: { PYTORCH_CUDA_ALLOC_CONF: 'expandable_segments:True' },
      statements: statements(object),
    },
  };
}

function workspaceContainer(object: Field, devices: readonly DeviceRequest[]): Container {
  const tuning = object.get('tuning');
  const method = tuning.get('method').text() ?? '';
  const config = tuning.get('config').text() ?? (Object.hasOwn(DEFAULT_CONFIG, method) ? DEFAULT_CONFIG[method] : null);
  const source = { kind: 'configmap' as const, name: config ?? '', items: null };
  return {
    name: object.get('metadata', 'name').text() ?? '',
    path: tuning.path,
    init: false,
    image: tuning.get('preset', 'presetOptions', 'image').text(),
    command: [],
    args: [],
    workingDir: null,
    env: [],
    envFrom: [],
    mounts: config === null || config === undefined ? [] : [{ mountPath: CONFIG_MOUNT, subPath: null, source }],
    devices,
  };
}

function machineDevices(resource: Field): DeviceRequest[] {
  const field = resource.get('instanceType');
  const machine = field.text() ?? '';
  const count = Object.hasOwn(GPUS_OF_MACHINE, machine) ? GPUS_OF_MACHINE[machine] : undefined;
  const request: DeviceRequest = {
    resource: 'nvidia.com/gpu',
    form: 'device',
    vendor: 'nvidia',
    count: count ?? 1,
    memoryBytes: null,
    places: [],
  };
  if (count !== undefined) return [request];
  const found = { kind: 'not-given' as const, names: [machine], fallback: null };
  const unresolved = unresolvedAt(field.path, machine === '' ? 'no machine type' : machine, found, '1 GPU');
  resource.log.unresolve(unresolved);
  return [{ ...request, unresolved }];
}

/** KAITO labels the machines that it makes, so that the selector only tells anything where it makes none. */
function machinePlacement(resource: Field): Placement {
  const machine = resource.get('instanceType').settledText('any node');
  const labels = resource.get('labelSelector', 'matchLabels').textRecord();
  return {
    nodeName: null,
    nodeSelector: machine === null ? labels : { 'node.kubernetes.io/instance-type': machine },
    requiredNodeTerms: null,
    tolerations: [
      { key: 'nvidia.com/gpu', operator: 'Exists', effect: 'NoSchedule' },
      { key: 'sku', operator: 'Equal', value: 'gpu', effect: 'NoSchedule' },
    ],
    otherRequests: {},
  };
}

function statements(object: Field): Statement[] {
  const places: readonly [string, Field][] = [
    ['preset', object.get('tuning', 'preset', 'name')],
    ['method', object.get('tuning', 'method')],
    ['config', object.get('tuning', 'config')],
    ['preset', object.get('inference', 'preset', 'name')],
  ];
  return places.flatMap(([name, field]) => {
    const value = field.text();
    return value === null ? [] : [{ name, value, path: field.path }];
  });
}
