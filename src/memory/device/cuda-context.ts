import type { RunValues } from '../../run/training-run.js';
import type { DeviceTraits, Interval } from '../estimate.js';
import type { DeviceMechanism } from './mechanism.js';
import { mebibytes } from './mechanism.js';
import { learnedContextFor } from './learned-context.js';
import { isBefore, versionOf } from './versions.js';

/**
 * Context sizes with kernels loaded lazily, in MiB. No authoritative table exists and compute capability does not
 * predict them, so they go by model. Reported: T4 105 (bare) to 135 (torch 2.10, cu12.8); L4 226 and A100-SXM4 501
 * (torch 2.11, cu13.0, one-element allocation, AgileRL); RTX 3090 256 (torch 2.7, InvokeAI #9413), RTX 6000 Ada 426
 * (torch 2.10, unsloth-zoo #1053); 300 to 400 "typical" (PyTorch issues 107667, 109888), 616 on an unnamed 8-GPU server
 * (LMCache #4019). Hopper and later: not measured, A100's and up to that server's.
 */
const LAZY: readonly { models: RegExp; context: Interval }[] = [
  { models: /\bT4\b/, context: mebibytes(105, 135, 200) },
  { models: /\bL4\b/, context: mebibytes(200, 226, 330) },
  { models: /\bA100\b|\bA800\b|\bA30\b/, context: mebibytes(400, 501, 560) },
  { models: /\bH100\b|\bH200\b|\bH800\b|\bH20\b|\bGH200\b|\bG?B[23]00\b/, context: mebibytes(450, 550, 640) },
  { models: /\bRTX 3\d{3}|\bRTX A\d{4}|\bA10G?\b|\bA40\b|\bA16\b|\bA2\b/, context: mebibytes(220, 256, 430) },
  { models: /\bRTX [45]\d{3}|\bRTX 6000 Ada|\bL40S?\b/, context: mebibytes(256, 400, 480) },
];
const LAZY_ELSEWHERE = mebibytes(220, 350, 640);

/**
 * All kernels loaded at start: 1,001 to 1,604 MiB on an RTX 3090, 827 to 871 on V100, 1,008 on Titan V, 1,300 on A100
 * (PyTorch issues 28394, 49877, 54564; torch <= 1.13).
 */
const EAGER = mebibytes(820, 1150, 1600);

/** Lazy loading came with CUDA 11.7, which torch 1.13 and 2.0 were first built for. */
function loadsEagerly(run: RunValues): boolean {
  const cuda = versionOf(run, 'cuda');
  return cuda === null ? isBefore(versionOf(run, 'torch'), [1, 13]) : isBefore(cuda, [11, 7]);
}

/**
 * The CUDA context of the process: driver state, kernels of PyTorch, cuBLAS and cuDNN handles. Where runs of the cluster
 * showed what it is for this stack on this device, that stands for what is published.
 */
export const cudaContext: DeviceMechanism = {
  name: 'cuda-context',
  category: 'context',
  remedy: null,
  bytes(run, device) {
    const learned = learnedContextFor(run, device.learnedContexts ?? []);
    if (learned !== null) return learned.bytes;
    if (loadsEagerly(run)) return EAGER;
    return contextOf(device);
  },
};

const contextOf = (device: DeviceTraits): Interval =>
  LAZY.find(({ models }) => models.test(device.model))?.context ?? LAZY_ELSEWHERE;
