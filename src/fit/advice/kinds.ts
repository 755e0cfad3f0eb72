import { allocator } from './kinds/allocator.js';
import { attention } from './kinds/attention.js';
import { checkpointing } from './kinds/checkpointing.js';
import { fewerDevices, moreDevices, otherDevice, smallerDevice, unusedDevices } from './kinds/devices.js';
import { fusedLoss } from './kinds/fused-loss.js';
import { fusedOptimizer } from './kinds/fused-optimizer.js';
import { imageSize, sequenceLength } from './kinds/input-size.js';
import { lora, qlora } from './kinds/lora.js';
import { microBatch } from './kinds/micro-batch.js';
import { nodeAffinity } from './kinds/node-affinity.js';
import { optimizer8bit } from './kinds/optimizer-8bit.js';
import { sharding } from './kinds/sharding.js';
import type { AdviceKind } from './proposal.js';

/** Every kind of change, ordered by what the person gives up: nothing, then speed, then devices, then the result. */
export const ADVICE_KINDS: readonly AdviceKind[] = [
  nodeAffinity,
  allocator,
  fusedOptimizer,
  fusedLoss,
  attention,
  microBatch,
  checkpointing,
  optimizer8bit,
  sharding,
  unusedDevices,
  smallerDevice,
  fewerDevices,
  otherDevice,
  moreDevices,
  imageSize,
  sequenceLength,
  lora,
  qlora,
];
