import type { RunValues } from '../../run/training-run.js';
import type { DeviceTraits, Interval } from '../estimate.js';
import type { DeviceMechanism } from './mechanism.js';
import { mebibytes, NOTHING, sumOf, times } from './mechanism.js';

/**
 * Buffers of one communicator. By NCCL's source (init.cc, transport/p2p.cc, net.cc) a channel holds 12 MiB per peer and
 * the shared network buffers 128 or 512 KiB times 16 a channel; how many channels there are is decided on the machine.
 * Measured: 600 MiB a rank on A100 with NVLink, 91 MiB on L4 over PCIe, the same for any number of ranks and for DDP
 * and FSDP (AgileRL); 544 MB for a first group of 4 A100 with modules loaded (NVIDIA/nccl issue 964).
 */
const OVER_NVLINK = mebibytes(350, 600, 720);
const OVER_PCIE = mebibytes(60, 91, 350);

/** Kernels of NCCL, loaded with the first collective. */
const MODULE = mebibytes(50, 100, 110);

/** All-to-all keeps buffers for every peer: 1.06 to 4.34 GB seen on 8 H100 (NVIDIA/nccl issue 1685). */
const ALL_TO_ALL = mebibytes(1000, 2000, 4200);

/** Models whose devices sit on NVLink in the servers they are sold in. */
const NVLINK = /SXM|HBM3|\bH200\b|\bH800\b|\bA800\b|\bG?B[23]00\b|\bGH200\b|\bH20\b|\bMI[23]\d{2}/;

/** Groups of ranks that talk: NCCL makes a communicator for each at its first collective. */
export function communicators(run: RunValues): number {
  const { data, tensor, pipeline, context, sharding, shardSize } = run.parallelism;
  const replicas = sharding === 'hsdp' ? Math.max(1, run.worldSize / shardSize) : 1;
  const groups = [Math.max(data, shardSize), tensor, pipeline, context, replicas].filter((degree) => degree > 1);
  return run.worldSize > 1 ? Math.max(groups.length, 1) : 0;
}

/** Communication buffers of NCCL, which takes them from the device directly. */
export const ncclBuffers: DeviceMechanism = {
  name: 'nccl-buffers',
  category: 'communication',
  remedy: 'NCCL_MAX_NCHANNELS or NCCL_BUFFSIZE bound the buffers of NCCL',
  bytes(run, device): Interval {
    const count = communicators(run);
    if (count === 0) return NOTHING;
    const dense = sumOf(MODULE, times(perCommunicator(device), count));
    return run.parallelism.expert > 1 ? sumOf(dense, ALL_TO_ALL) : dense;
  },
};

const perCommunicator = (device: DeviceTraits): Interval => (NVLINK.test(device.model) ? OVER_NVLINK : OVER_PCIE);
