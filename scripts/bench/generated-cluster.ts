import type { Device, InventorySnapshot, Node } from '../../src/inventory/inventory.js';

/** GPUs of each node. */
export const GPUS = 8;
const GIB = 1024 ** 3;
const MODELS: readonly [string, number][] = [
  ['NVIDIA A100-SXM4-80GB', 79.2],
  ['NVIDIA A100-SXM4-40GB', 39.5],
  ['NVIDIA H100 80GB HBM3', 79.6],
  ['NVIDIA L4', 22.2],
];

/** A cluster of as many nodes, of four models of GPU in turn. */
export function snapshotOf(count: number): InventorySnapshot {
  const built = Array.from({ length: count }, (_, index) => nodeOf(index));
  return { takenAtMs: 0, nodes: built.map(({ node }) => node), devices: built.flatMap(({ devices }) => devices) };
}

/** Busy to a differing degree: every GPU of a node below its number modulo nine is held. */
function nodeOf(index: number): { node: Node; devices: readonly Device[] } {
  const name = `gpu-${index}`;
  const [model, gib] = MODELS[index % MODELS.length] ?? ['', 0];
  const held = index % (GPUS + 1);
  const node: Node = {
    name,
    labels: { 'kubernetes.io/hostname': name, 'nvidia.com/gpu.product': model.replaceAll(' ', '-') },
    taints: [],
    unschedulable: false,
    ready: true,
    allocatable: { cpu: 96, memory: 1024 * GIB, pods: 110, 'nvidia.com/gpu': GPUS },
    requested: { 'nvidia.com/gpu': held },
  };
  const devices = Array.from({ length: GPUS }, (_, gpu) => deviceOf(name, gpu, { model, gib, busy: gpu < held }));
  return { node, devices };
}

function deviceOf(node: string, index: number, of: { model: string; gib: number; busy: boolean }): Device {
  return {
    uuid: `GPU-${node}-${index}`,
    gpuInstance: null,
    node,
    index,
    model: of.model,
    migProfile: null,
    resource: 'nvidia.com/gpu',
    replicas: 1,
    capacityBytes: of.gib * GIB,
    capacitySource: 'dcgm',
    usedBytes: of.busy ? 20 * GIB : 0,
    seenAtMs: 0,
    pods: of.busy ? [`research/pod-${node}-${index}`] : [],
  };
}
