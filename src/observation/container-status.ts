import type { Json, JsonObject } from '../workload/workload.js';

/** How the work of a pod ended. Memory of the host and memory of the GPU are two different things to run out of. */
export const ENDINGS = ['completed', 'out-of-gpu-memory', 'out-of-host-memory', 'failed'] as const;
export type Ending = (typeof ENDINGS)[number];

/**
 * What PyTorch, its libraries and JAX write when an allocation on the device fails for good. A cuBLAS or cuDNN handle
 * that could not be made may have other causes and is not among them.
 */
const OUT_OF_GPU_MEMORY =
  /\b(?:CUDA|HIP)(?: error:)? out of memory|\bOutOfMemoryError: (?:CUDA|HIP)|Cuda failure(?: \d+)? 'out of memory'|RESOURCE_EXHAUSTED: Out of memory/i;

/** What is kept of a message that says so. */
const MARK = 'CUDA out of memory';

/** Longest message that is looked at: the kubelet keeps 4096 bytes of a container, 12 KiB of a pod. */
const MESSAGE_LENGTH = 16_384;

/**
 * A container status without what a message may hold of somebody's data: only how it ended is left of it, and which
 * devices the kubelet gave it (`allocatedResourcesStatus`: KEP-4680, on by default since Kubernetes 1.36).
 */
export function slimContainerStatus(status: JsonObject): JsonObject {
  const { name = '', restartCount = 0 } = status;
  const allocated = status['allocatedResourcesStatus'];
  return {
    name,
    restartCount,
    state: slimState(status['state']),
    lastState: slimState(status['lastState']),
    ...(Array.isArray(allocated) && { allocatedResourcesStatus: allocated.map(slimAllocated) }),
  };
}

/** How a terminated state ended; null for one that is not terminated. */
export function endingOf(state: Json | undefined): Ending | null {
  const terminated = objectIn(objectIn(state)['terminated']);
  const { exitCode, reason, message } = terminated;
  if (typeof exitCode !== 'number') return null;
  if (typeof message === 'string' && OUT_OF_GPU_MEMORY.test(message.slice(-MESSAGE_LENGTH))) return 'out-of-gpu-memory';
  // 137 alone is any SIGKILL: eviction, preemption, a node that goes.
  if (reason === 'OOMKilled') return 'out-of-host-memory';
  return exitCode === 0 ? 'completed' : 'failed';
}

function slimState(state: Json | undefined): JsonObject {
  const ending = endingOf(state);
  if (ending === null) return {};
  const { exitCode = null, reason = null } = objectIn(objectIn(state)['terminated']);
  return { terminated: { exitCode, reason, ...(ending === 'out-of-gpu-memory' && { message: MARK }) } };
}

function slimAllocated(allocated: Json): JsonObject {
  const { name = '', resources } = objectIn(allocated);
  const ids = Array.isArray(resources) ? resources.map((resource) => objectIn(resource)['resourceID'] ?? '') : [];
  return { name, resources: ids.map((resourceID) => ({ resourceID })) };
}

function objectIn(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}
