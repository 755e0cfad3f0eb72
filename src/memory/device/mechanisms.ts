import { cudaContext } from './cuda-context.js';
import type { DeviceMechanism } from './mechanism.js';
import { ncclBuffers } from './nccl-buffers.js';
import { otherLibraries } from './other-libraries.js';

/** Everything that takes device memory outside the caching allocator. */
export const DEVICE_MECHANISMS: readonly DeviceMechanism[] = [cudaContext, ncclBuffers, otherLibraries];
