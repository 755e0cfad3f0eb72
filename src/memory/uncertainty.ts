import { replay } from './allocator/replay.js';
import type { AllocationEvents } from './allocator/requests.js';
import type { BreakdownCategory } from './estimate.js';
import type { Forecast } from './forecast.js';
import { withoutConvolutionWorkspaces } from './forecast.js';
import { liveByCategory } from './breakdown.js';
import { modelCodeOf } from './rank-view-of.js';
import { roundingOf } from './allocator/rounding.js';
import type { Uncertainty, Widening } from './uncertainty-kind.js';
import { checkpointedGraphs, modelCodeVersions, promptLengths } from './uncertainty-of-code.js';
import { reduceBuckets } from './parallel/parallelism.js';
import type { ModelCode } from '../model/rank-view.js';

const same = (below: number, above: number): Widening => ({
  allocated: { below, above },
  reserved: { below, above },
});

/** Sizes that follow the batch; the others are the model's own and fixed. */
const BATCH_DEPENDENT: ReadonlySet<BreakdownCategory> = new Set(['inputs', 'activations', 'temporaries', 'workspaces']);

/** Blocks of bookkeeping: they stay what they are. */
const SMALLEST_SCALED_BYTES = 4096;

/** A little less and a little more than the sizes simulated; long lists, which average more out, are replayed less often. */
const nudgesFor = ({ events }: Forecast): readonly number[] =>
  events.events.length > LONG_LIST_EVENTS ? [0.99, 1.01] : [0.98, 0.99, 1.01, 1.02];
const LONG_LIST_EVENTS = 10_000;

/**
 * How blocks fit into segments turns on single bytes: a kernel's scratch memory that is not in the list, or a batch one
 * token longer, and a segment is used again or not. So the list is replayed with all that depends on the batch one and
 * two per cent smaller and larger; what reserved makes of allocated then is what it may make of it in the run.
 */
const fragmentation: Uncertainty = {
  name: 'allocator-fragmentation',
  remedy: 'PYTORCH_ALLOC_CONF=expandable_segments:True leaves little to chance',
  widening(at) {
    const { peakAllocatedBytes, peakReservedBytes } = at.unlimited;
    const scales = scaledBlocks(at);
    const reserved = nudgesFor(at).map((nudge) => {
      const nudged = replay(resized(at, scales, nudge), at.allocator);
      return (nudged.peakReservedBytes / nudged.peakAllocatedBytes) * peakAllocatedBytes;
    });
    return {
      allocated: { below: 0, above: 0 },
      reserved: {
        below: Math.min(0, Math.round(Math.min(...reserved)) - peakReservedBytes),
        above: Math.max(0, Math.round(Math.max(...reserved)) - peakReservedBytes),
      },
    };
  },
};

/** Of each block, whether its size follows the batch: 1 or 0. */
function scaledBlocks({ events: { sizes, categories } }: Forecast): Uint8Array {
  const scales = new Uint8Array(sizes.length);
  for (let block = 0; block < scales.length; block++) {
    if (sizes[block]! >= SMALLEST_SCALED_BYTES && BATCH_DEPENDENT.has(categories[block]!)) scales[block] = 1;
  }
  return scales;
}

/** The same events with some blocks larger or smaller by a factor. */
function resized({ events: list }: Forecast, isResized: Uint8Array, factor: number): AllocationEvents {
  const { sizes: before, streams, events } = list;
  const sizes = new Float64Array(before.length);
  for (let block = 0; block < sizes.length; block++) {
    const bytes = before[block]!;
    sizes[block] = isResized[block] === 1 ? Math.round(bytes * factor) : bytes;
  }
  return { sizes, streams, events };
}

/** Most that cuDNN's trials were seen to add (FakeTensor study: simulated plus 2 GB; PyTorch issues 13412, 31500, 49207). */
const MOST_TRIAL_BYTES = 2 * 2 ** 30;
/** Algorithms without tensor cores transform images several times over before they multiply. */
const TRIAL_FACTOR = 8;

/** Reserved where cuDNN takes algorithms that work in place; never more than with scratch memory. */
function withoutScratch({ events, allocator, unlimited }: Forecast): number {
  const { peakReservedBytes } = replay(withoutConvolutionWorkspaces(events), allocator);
  return Math.min(peakReservedBytes, unlimited.peakReservedBytes);
}

/**
 * cuDNN's choice of algorithm: with `cudnn.benchmark` it tries those that ask for much scratch memory, too. What is simulated
 * of it counts towards the most that was seen.
 */
const convolutionAlgorithms: Uncertainty = {
  name: 'cudnn-workspace',
  remedy: 'channels_last needs no transposing; CUDNN_CONV_WSCAP_DBG bounds the scratch memory',
  widening(at) {
    const { events } = at;
    const largest = largestOf(events, 'convolution');
    if (largest === 0) return null;
    const live = liveByCategory(events, at.unlimited.peakAllocatedEvent, roundingOf(at.allocator));
    const above = Math.min(MOST_TRIAL_BYTES, TRIAL_FACTOR * largest);
    const simulated = at.unlimited.peakReservedBytes - withoutScratch(at);
    return {
      allocated: { below: -(live.get('workspaces') ?? 0), above },
      reserved: { below: -simulated, above: Math.max(0, above - simulated) },
    };
  },
};

/**
 * Of what the batch takes, what the compiler may decide otherwise than simulated: which of two results of one size it
 * keeps, and whether a buffer is used again in place. Runs of torchtune and of nanoGPT's kind, compiled, lie within it.
 */
const COMPILERS_CHOICE = 0.1;

/**
 * Compiled blocks are simulated (compiled-call.ts); what the compiler fuses in the end, and what of the model lies outside
 * the blocks, is left open. Networks that have no blocks run as if they were not compiled; with batch normalisation they
 * were reported 23 to 45 % higher (mmaction2: in-place ReLU is lost). CUDA graphs have a pool of their own for the
 * activations.
 */
const compilation: Uncertainty = {
  name: 'torch-compile',
  remedy: 'compile: none in plimsoll.dev/run, if the run is not compiled',
  widening(at) {
    const { compile } = at.values;
    if (compile === 'none') return null;
    const live = liveByCategory(at.events, at.unlimited.peakAllocatedEvent, roundingOf(at.allocator));
    const moving = (live.get('activations') ?? 0) + (live.get('temporaries') ?? 0);
    const convolutional = at.events.operationNames.some(
      (name, number) => name === 'convolution' && at.events.operations.includes(number),
    );
    const graphs = compile === 'default' ? 0 : 1;
    const above = (convolutional ? 0.45 : COMPILERS_CHOICE) + graphs;
    return same(-Math.round(moving * (convolutional ? 0.05 : COMPILERS_CHOICE)), Math.round(moving * above));
  },
};

/** Lengths of earlier batches against that of the longest, where rows are as long as the data. */
const SHORTER_BATCHES = [0.6, 0.8];

/**
 * Programs whose first batch is as long as any: pre-training and scripts that write a model themselves cut their data into
 * rows of one length, litgpt takes the longest sample first (finetune/lora.py, longest_seq_ix).
 */
const FIXED_LENGTHS: ReadonlySet<string> = new Set(['megatron', 'torchtitan', 'plain', 'litgpt']);

/**
 * Rows that are not packed are padded to the longest of their batch: the segments that shorter batches left are used again
 * by the longest, or they are not, and what outlives an iteration is of a shorter one. So the first iteration is replayed
 * with all that depends on the batch smaller.
 */
const variableLengths: Uncertainty = {
  name: 'variable-lengths',
  remedy: 'packing makes all batches the same; expandable segments leave little to chance',
  widening(at) {
    const { sequenceLength, packing } = at.values;
    if (sequenceLength === null || packing || FIXED_LENGTHS.has(modelCodeOf(at.values))) return null;
    const second = at.events.phases.find(({ iteration }) => iteration === 2)?.firstEvent ?? 0;
    const earlier = scaledBlocks(at);
    for (const event of at.events.events.subarray(second)) if (event >= 0) earlier[event] = 0;
    const replays = SHORTER_BATCHES.map((share) => replay(resized(at, earlier, share), at.allocator));
    return {
      allocated: furthest(
        replays.map(({ peakAllocatedBytes }) => peakAllocatedBytes - at.unlimited.peakAllocatedBytes),
      ),
      reserved: furthest(replays.map(({ peakReservedBytes }) => peakReservedBytes - at.unlimited.peakReservedBytes)),
    };
  },
};

const furthest = (differences: readonly number[]): { below: number; above: number } => ({
  below: Math.min(0, ...differences),
  above: Math.max(0, ...differences),
});

/** As device/cublas-workspace.ts names them. */
const WORKSPACE = 'cublas workspace';

/**
 * Workspaces of the matrix libraries: one for each handle and stream that comes to be used, by architecture and release;
 * cuBLASLt has others, and before torch 2.0 the library took them from the device itself (CublasHandlePool.cpp).
 */
const libraryWorkspaces: Uncertainty = {
  name: 'library-workspaces',
  remedy: 'CUBLAS_WORKSPACE_CONFIG bounds them',
  widening({ events }) {
    const number = events.operationNames.indexOf(WORKSPACE);
    const bytes = events.sizes.reduce((sum, size, block) => sum + (events.operations[block] === number ? size : 0), 0);
    return number < 0 || bytes === 0 ? null : same(-bytes, bytes);
  },
};

/**
 * cuDNN's reserve for recurrent layers: nobody has published how it is laid out. It cannot be without what backward needs;
 * half as much again covers a sixth value for each step and element, and padding.
 */
const recurrentReserve: Uncertainty = {
  name: 'cudnn-rnn-reserve',
  remedy: null,
  widening({ events }) {
    const largest = largestOf(events, 'cudnn_rnn_reserve');
    return largest === 0 ? null : same(0, Math.round(largest / 2));
  },
};

/** Further workspaces of products that run on streams of their own (Transformer Engine's grouped products: four in all). */
const STREAM_WORKSPACES_BYTES = 3 * 32 * 2 ** 20;
/**
 * Share of what the batch takes that one release of a program keeps and another computes again, or copies once more:
 * programs change theirs from month to month, and a script is its author's alone. transformers' and torchtune's code is
 * held to recordings, with what changed between their releases, so that nothing is left open there.
 */
const OTHER_CODE_SHARES: Readonly<Partial<Record<ModelCode, number>>> = {
  torchtitan: 0.1,
  megatron: 0.1,
  plain: 0.1,
  litgpt: 0.1,
};

/** The model's code is written down here as it was in some releases; others differ. */
const otherCode: Uncertainty = {
  name: 'library-release',
  remedy: "the release of the model's library, where the image or the requirements can be read",
  widening(at) {
    if (at.values.compile !== 'none' || at.values.sequenceLength === null) return null;
    const code = modelCodeOf(at.values);
    const share = OTHER_CODE_SHARES[code];
    if (share === undefined) return null;
    const live = liveByCategory(at.events, at.unlimited.peakAllocatedEvent, roundingOf(at.allocator));
    const moving = Math.round(share * ((live.get('activations') ?? 0) + (live.get('temporaries') ?? 0)));
    const grouped = code === 'megatron' && at.values.parallelism.expert > 1;
    return same(-moving, moving + (grouped ? STREAM_WORKSPACES_BYTES : 0));
  },
};

/**
 * The same run read twice: torchao's table has one model in four recipes that differ in kernels alone from 33.4 to 33.9
 * GiB (docs/source/workflows/training.md), torchtitan's one of the same tokens on 8 devices in four layouts from 83.9 to
 * 84.5 (benchmarks/llama3_h100_202412_torchtitan.md).
 */
const SAME_RUN_SHARE = 0.02;
/** Scratch memory of kernels that no operation tells of, as cuBLASLt's workspace on Hopper (CUDABlas.cpp). */
const KERNEL_SCRATCH_BYTES = 32 * 2 ** 20;

/** What is left where every setting is known: kernels that a library picks at run time, and when the figure was read. */
const repeatability: Uncertainty = {
  name: 'repeatability',
  remedy: null,
  widening({ unlimited }) {
    const share = Math.round(SAME_RUN_SHARE * unlimited.peakAllocatedBytes);
    return same(-share, share + KERNEL_SCRATCH_BYTES);
  },
};

/** `stage3_max_live_parameters` as it is where nothing is set (deepspeed/runtime/zero/config.py). */
const LIVE_PARAMETERS = 1e9;

/**
 * DeepSpeed gathers ahead as many parameters as it is allowed to, and has a second bucket of gradients where it
 * communicates while it computes (`overlap_comm`). A configuration may set the bucket: transformers' `auto` makes it the
 * square of the hidden size, a tenth of the default or less.
 */
const deepSpeedBuffers: Uncertainty = {
  name: 'deepspeed-buffers',
  remedy: 'stage3_max_live_parameters and reduce_bucket_size bound them',
  widening({ values, parameters }) {
    const { sharding, shardSize } = values.parallelism;
    if (!sharding.startsWith('zero') || sharding === 'zero1' || shardSize === 1) return null;
    const { elements, count } = reduceBuckets(values);
    const further = sharding === 'zero3' ? Math.min(parameters.total, LIVE_PARAMETERS) : (2 - count) * elements;
    return same(-2 * elements * count, 2 * further);
  },
};

/** Blocks of FSDP's first version that are used on another stream than the one they are allocated on (flat-sharded.ts). */
const ON_TWO_STREAMS = ['fsdp.all_gather', 'fsdp.flat_gradient'];

/**
 * FSDP's first version calls `record_stream`: such a block is given out again only once the GPU has come to its end, which
 * the host, running ahead, may ask too early by a unit (torch/distributed/fsdp/_runtime_utils.py, `limit_all_gathers` lets
 * two units be under way; dev-discuss.pytorch.org/t/1486 shows the spikes). They are reserved, not allocated.
 */
const recordedStreams: Uncertainty = {
  name: 'fsdp-record-stream',
  remedy: "FSDP's second version has no such blocks",
  widening({ events, values }) {
    const { sharding, fsdpVersion, shardSize } = values.parallelism;
    if (fsdpVersion !== 1 || !/^(fsdp|hsdp)/.test(sharding) || shardSize === 1) return null;
    const above = ON_TWO_STREAMS.reduce((sum, name) => sum + largestOf(events, name), 0);
    return above === 0 ? null : { allocated: { below: 0, above: 0 }, reserved: { below: 0, above } };
  },
};

/** Bytes of the largest block of an operation; 0 where there is none. */
function largestOf({ operationNames, operations, sizes }: Forecast['events'], name: string): number {
  const number = operationNames.indexOf(name);
  if (number < 0) return 0;
  return sizes.reduce((most, bytes, block) => (operations[block] === number && bytes > most ? bytes : most), 0);
}

/** All that widens the interval of the simulated figures. */
export const UNCERTAINTIES: readonly Uncertainty[] = [
  fragmentation,
  variableLengths,
  libraryWorkspaces,
  modelCodeVersions,
  convolutionAlgorithms,
  compilation,
  recurrentReserve,
  otherCode,
  repeatability,
  checkpointedGraphs,
  promptLengths,
  deepSpeedBuffers,
  recordedStreams,
];
