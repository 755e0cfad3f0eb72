import type { RunValues } from '../../run/training-run.js';
import type { DeviceTraits } from '../estimate.js';
import type { MemoryEvents } from '../events.js';
import type { InjectedBlock } from './injection.js';
import { isBefore, versionOf } from './versions.js';

const KIB = 1024;
/**
 * Workspace of a cuBLAS handle on a stream: `:4096:8` on Hopper, `:4096:2:16:8` on every other NVIDIA device (KiB times
 * count), 32 MiB on AMD. Source: pytorch aten/src/ATen/cuda/CublasHandlePool.cpp, getChosenWorkspaceSize.
 */
const HOPPER_BYTES = 4096 * 8 * KIB;
const NVIDIA_BYTES = (4096 * 2 + 16 * 8) * KIB;
const AMD_BYTES = 32 * 1024 * KIB;

const HOPPER = 9.0;

/** Blackwell takes as much as Hopper since torch 2.7 (pytorch pull request 145130). */
const BLACKWELL = 10;
const BLACKWELL_SINCE = [2, 7] as const;

/** Operations whose kernel is a matrix product of cuBLAS. */
const MATRIX_PRODUCT = /(^|[^a-z])(mm|addmm|bmm|baddbmm|matmul|linear)/;

/** Releases from which on the workspace is PyTorch's: before, the library took it from the device itself. */
const NVIDIA_SINCE = [2, 0] as const;
const AMD_SINCE = [2, 6] as const;

/** Bytes of one workspace; null where PyTorch does not allocate it (pytorch pull requests 86167, 89027, 138791). */
function workspaceBytes(run: RunValues, device: DeviceTraits): number | null {
  const torch = versionOf(run, 'torch');
  if (device.vendor === 'amd') return isBefore(torch, AMD_SINCE) ? null : AMD_BYTES;
  if (isBefore(torch, NVIDIA_SINCE)) return null;
  return takesMost(torch, device) ? HOPPER_BYTES : NVIDIA_BYTES;
}

function takesMost(torch: readonly number[] | null, { computeCapability }: DeviceTraits): boolean {
  if (computeCapability === HOPPER) return true;
  return computeCapability !== null && Math.floor(computeCapability) === BLACKWELL && !isBefore(torch, BLACKWELL_SINCE);
}

/**
 * The workspaces that cuBLAS gets through the caching allocator, once per handle and stream, and keeps. Handles belong to
 * threads: the main thread's is made at the first matrix product of the forward pass, that of autograd's device thread
 * at the first of the backward pass.
 */
export function cublasWorkspaces(list: MemoryEvents, run: RunValues, device: DeviceTraits): readonly InjectedBlock[] {
  const bytes = workspaceBytes(run, device);
  if (bytes === null) return [];
  const isProduct = list.operationNames.map((name) => MATRIX_PRODUCT.test(name));
  const own = (['forward', 'backward'] as const).flatMap((phase) =>
    workspaceAt(firstProduct(list, isProduct, phase), 'cublas workspace', bytes),
  );
  if (!run.kernels.includes('transformer-engine')) return own;
  const engines = (device.computeCapability ?? 0) >= HOPPER ? HOPPER_BYTES : ENGINE_BYTES;
  return [...own, ...workspaceAt(firstProduct(list, isProduct, 'forward'), 'transformer engine workspace', engines)];
}

/** Transformer Engine's own, one for all its products (transformer_engine/pytorch, get_cublas_workspace_size_bytes). */
const ENGINE_BYTES = 4096 * KIB;

function workspaceAt(at: number | null, name: string, bytes: number): readonly InjectedBlock[] {
  if (at === null) return [];
  const place = { beforeEvent: at, freedBeforeEvent: null };
  return [{ bytes, stream: 0, category: 'workspaces', operation: name, ...place }];
}

/** Index of the event that allocates the result of the first matrix product in the first phase of that name. */
function firstProduct(list: MemoryEvents, isProduct: readonly boolean[], name: string): number | null {
  const index = list.phases.findIndex((phase) => phase.name === name);
  if (index < 0) return null;
  const end = list.phases[index + 1]?.firstEvent ?? list.events.length;
  for (let at = list.phases[index]!.firstEvent; at < end; at++) {
    const event = list.events[at]!;
    if (event >= 0 && isProduct[list.operations[event]!]) return at;
  }
  return null;
}
