import type { ControlPlane } from './control-plane.js';

/** A taint as nodes carry it. */
export interface Taint {
  key: string;
  value?: string;
  effect: 'NoSchedule' | 'PreferNoSchedule' | 'NoExecute';
}

/** A node that no kubelet stands behind. `allocatable` adds to and overrides what `gpus` and the defaults say. */
export interface GpuNode {
  name: string;
  gpus: number;
  /** What the device plugin calls its devices; `nvidia.com/gpu` where absent. */
  resourceName?: string;
  labels?: Record<string, string>;
  taints?: Taint[];
  allocatable?: Record<string, string>;
}

/** A common eight-GPU server, roomy enough that only GPUs run out. */
const server = { cpu: '192', memory: '2Ti', pods: '110', 'ephemeral-storage': '1Ti' };

/**
 * Creates the node, Ready at once. Pods are bound to it and then stay Pending, and deleted ones stay Terminating
 * unless `--force` is given, as there is no kubelet. Throws with kubectl's message when the API server refuses.
 */
export async function createGpuNode(plane: Pick<ControlPlane, 'kubectl'>, node: GpuNode): Promise<void> {
  const { code, stderr } = await plane.kubectl(['create', '-f', '-'], { stdin: JSON.stringify(nodeObject(node)) });
  if (code !== 0) throw new Error(`node ${node.name} was not created: ${stderr.trim()}`);
}

/** The node as an object. The API server keeps `status` when a node is created, so that one call is enough. */
export function nodeObject({
  name,
  gpus,
  resourceName = 'nvidia.com/gpu',
  labels,
  taints,
  allocatable,
}: GpuNode): object {
  const resources = { ...server, [resourceName]: String(gpus), ...allocatable };
  return {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: { name, labels: { ...defaultLabels(name), ...labels } },
    spec: { taints },
    status: { capacity: resources, allocatable: resources, conditions: [readyCondition()] },
  };
}

function defaultLabels(name: string): Record<string, string> {
  return { 'kubernetes.io/hostname': name, 'kubernetes.io/arch': 'amd64', 'kubernetes.io/os': 'linux' };
}

function readyCondition(): object {
  const now = new Date().toISOString();
  return {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    message: 'created by a test',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
}
