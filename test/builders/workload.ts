import type { DeviceRequest, Placement, PodSet, Workload } from '../../src/workload/workload.js';

/** Placement that asks for nothing. */
export const ANYWHERE: Placement = {
  nodeName: null,
  nodeSelector: {},
  requiredNodeTerms: null,
  tolerations: [],
  otherRequests: {},
};

/** A request for whole devices. */
export function request(count = 1, overrides: Partial<DeviceRequest> = {}): DeviceRequest {
  const path = 'spec.template.spec.containers[0].resources.limits["nvidia.com/gpu"]';
  return {
    resource: 'nvidia.com/gpu',
    form: 'device',
    vendor: 'nvidia',
    count,
    memoryBytes: null,
    places: [path],
    ...overrides,
  };
}

/** One pod with one device, anywhere. */
export function podSet(overrides: Partial<PodSet> = {}): PodSet {
  return {
    name: 'main',
    role: 'main',
    replicas: 1,
    replicasUnresolved: [],
    path: 'spec.template.spec',
    containers: [],
    devices: [request()],
    placement: ANYWHERE,
    annotations: {},
    launch: {
      processesPerPod: null,
      nodes: null,
      nodesUnresolved: [],
      worldSize: null,
      env: {},
      startedBy: null,
      statements: [],
    },
    ...overrides,
  };
}

/** A Job of the given pod sets. */
export function workload(podSets: readonly PodSet[], overrides: Partial<Workload> = {}): Workload {
  return {
    reference: { apiVersion: 'batch/v1', kind: 'Job', namespace: 'team-a', name: 'train', uid: null },
    podSets,
    gangSize: null,
    annotations: {},
    labels: {},
    owner: null,
    suspended: false,
    purpose: 'training',
    unresolved: [],
    notes: [],
    ...overrides,
  };
}
