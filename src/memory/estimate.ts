/** Bytes: the least, the likely and the most that the known settings allow. */
export interface Interval {
  low: number;
  expected: number;
  high: number;
}

export type BreakdownCategory =
  | 'parameters'
  | 'buffers'
  | 'gradients'
  | 'optimizer-state'
  | 'inputs'
  | 'activations'
  | 'temporaries'
  | 'communication'
  | 'cached'
  | 'workspaces'
  | 'context'
  | 'libraries'
  /** What runs hold that are not at work, where several share the device. */
  | 'other-models'
  /** What an inference engine takes. */
  | 'inference-engine';

export type Phase = 'model' | 'input' | 'zero-grad' | 'forward' | 'loss' | 'backward' | 'step' | 'generate';

export interface TimelinePoint {
  phase: Phase;
  iteration: number;
  /** Highest values since the point before; bytes. */
  allocatedBytes: number;
  reservedBytes: number;
}

/** How much of the interval one uncertain input makes. */
export interface Contributor {
  /** A field of the training run, or a named mechanism such as `cuda-context`. */
  name: string;
  widthBytes: number;
  remedy: string | null;
}

/** GPU memory of one process on one device. allocated ≤ reserved ≤ device. */
export interface Estimate {
  /** torch.cuda.max_memory_allocated */
  allocatedBytes: Interval;
  /** torch.cuda.max_memory_reserved, without a limit */
  reservedBytes: Interval;
  /** What nvidia-smi and DCGM show: reserved plus context, libraries and communication buffers. */
  deviceBytes: Interval;
  /** The smallest capacity on which the run survives, the allocator giving cached segments back first. */
  minimumCapacityBytes: Interval;
  /** At the peak; adds up to deviceBytes.expected exactly. */
  breakdown: readonly { category: BreakdownCategory; bytes: number }[];
  peak: { phase: Phase; iteration: number; operation: string };
  timeline: readonly TimelinePoint[];
  contributors: readonly Contributor[];
  parameters: { total: number; trainable: number };
  /** Things assumed or left out, in words. */
  notes: readonly string[];
  /** Where several runs share the device: their turns, of which the largest decides. */
  turns?: readonly Turn[];
}

/** One run at work on a device that it shares. Bytes as expected. */
export interface Turn {
  role: string;
  /** What its process takes beyond what all of them hold in between. */
  workingBytes: number;
  /** What all runs hold in between, with contexts and libraries. */
  heldBytes: number;
  totalBytes: number;
}

/** The CUDA context and libraries of one stack on one device model, as runs of the cluster showed them. */
export interface LearnedContext {
  framework: string;
  /** Release of PyTorch, such as `2.4`. */
  torch: string;
  /** Release of CUDA; null: the runs did not say. */
  cuda: string | null;
  deviceClass: string;
  /** Device model by its name in the catalog. */
  model: string;
  bytes: Interval;
  /** Distinct runs that it was learned from. */
  runs: number;
}

/** What the estimate needs to know of a device type, from the GPU catalog. */
export interface DeviceTraits {
  /** Catalog id, such as `NVIDIA A100-SXM4-80GB`. */
  model: string;
  vendor: 'nvidia' | 'amd';
  /** Such as 8.0; null where unknown: kernels are then chosen as for 8.0. */
  computeCapability: number | null;
  /** What processes can use of it, where the catalog knows it: inference engines take a share of it. */
  usableBytes?: number | null;
  /** Constants of stacks on this model, as runs of the cluster showed them. */
  learnedContexts?: readonly LearnedContext[];
}
