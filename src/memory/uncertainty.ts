import { replay } from './allocator/replay.js';
import type { BreakdownCategory } from './estimate.js';
import type { Forecast } from './forecast.js';
import { liveByCategory } from './breakdown.js';
import { modelCodeOf } from './rank-view-of.js';
import { roundingOf } from './allocator/rounding.js';
import type { Uncertainty, Widening } from './uncertainty-kind.js';
import { modelCodeVersions } from './uncertainty-of-code.js';

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
      const sizes = at.events.sizes.map((bytes, block) => (scales[block]! ? Math.round(bytes * nudge) : bytes));
      const nudged = replay({ ...at.events, sizes }, at.allocator);
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

/** Whether each block's size follows the batch. */
const scaledBlocks = ({ events }: Forecast): readonly boolean[] =>
  events.sizes.map((bytes, block) => bytes >= SMALLEST_SCALED_BYTES && BATCH_DEPENDENT.has(events.categories[block]!));

/** Most that cuDNN's trials were seen to add (FakeTensor study: simulated plus 2 GB; PyTorch issues 13412, 31500, 49207). */
const MOST_TRIAL_BYTES = 2 * 2 ** 30;
/** Algorithms without tensor cores transform images several times over before they multiply. */
const TRIAL_FACTOR = 8;

/** cuDNN's choice of algorithm: with `cudnn.benchmark` it tries those that ask for much scratch memory, too. */
const convolutionAlgorithms: Uncertainty = {
  name: 'cudnn-workspace',
  remedy: 'channels_last needs no transposing; CUDNN_CONV_WSCAP_DBG bounds the scratch memory',
  widening(at) {
    const { events } = at;
    const number = events.operationNames.indexOf('convolution');
    const largest = events.sizes.reduce(
      (most, bytes, block) => (events.operations[block] === number && bytes > most ? bytes : most),
      0,
    );
    if (largest === 0 || number < 0) return null;
    const live = liveByCategory(events, at.unlimited.peakAllocatedEvent, roundingOf(at.allocator));
    return same(-(live.get('workspaces') ?? 0), Math.min(MOST_TRIAL_BYTES, TRIAL_FACTOR * largest));
  },
};

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
    const above = (convolutional ? 0.45 : 0.15) + graphs;
    return same(-Math.round(moving * (convolutional ? 0.05 : 0.2)), Math.round(moving * above));
  },
};

/** Lengths of earlier batches against that of the longest, where rows are as long as the data. */
const SHORTER_BATCHES = [0.6, 0.8];

/**
 * Rows that are not packed are padded to the longest of their batch: the segments that shorter batches left are used again
 * by the longest, or they are not. So the first iteration is replayed with all that depends on the batch smaller.
 */
const variableLengths: Uncertainty = {
  name: 'variable-lengths',
  remedy: 'packing makes all batches the same; expandable segments leave little to chance',
  widening(at) {
    const { sequenceLength, packing } = at.values;
    if (sequenceLength === null || packing) return null;
    const second = at.events.phases.find(({ iteration }) => iteration === 2)?.firstEvent ?? 0;
    const first = new Set(at.events.events.subarray(0, second).filter((event) => event >= 0));
    const scales = scaledBlocks(at);
    const reserved = SHORTER_BATCHES.map((share) => {
      const sizes = at.events.sizes.map((bytes, i) => (scales[i]! && first.has(i) ? Math.round(bytes * share) : bytes));
      return replay({ ...at.events, sizes }, at.allocator).peakReservedBytes;
    });
    const above = Math.max(0, Math.max(...reserved) - at.unlimited.peakReservedBytes);
    return { allocated: { below: 0, above: 0 }, reserved: { below: 0, above } };
  },
};

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
    const number = events.operationNames.indexOf('cudnn_rnn_reserve');
    const largest = events.sizes.reduce(
      (most, bytes, block) => (events.operations[block] === number && bytes > most ? bytes : most),
      0,
    );
    return largest === 0 || number < 0 ? null : same(0, Math.round(largest / 2));
  },
};

/** Further workspaces of products that run on streams of their own (Transformer Engine's grouped products: four in all). */
const STREAM_WORKSPACES_BYTES = 3 * 32 * 2 ** 20;
/** Share of what the batch takes that one release of a library keeps and another computes again, or copies once more. */
const OTHER_CODE_SHARE = 0.1;

/**
 * torchtitan and Megatron have model code of their own, which is written down here as it was at one time; their releases
 * differ in what fused kernels keep, in copies between layouts, and in where recomputation begins.
 */
const otherCode: Uncertainty = {
  name: 'library-release',
  remedy: null,
  widening(at) {
    const code = modelCodeOf(at.values);
    if (code === 'transformers' || at.values.compile !== 'none') return null;
    const live = liveByCategory(at.events, at.unlimited.peakAllocatedEvent, roundingOf(at.allocator));
    const moving = Math.round(OTHER_CODE_SHARE * ((live.get('activations') ?? 0) + (live.get('temporaries') ?? 0)));
    return same(-moving, moving + (code === 'megatron' ? STREAM_WORKSPACES_BYTES : 0));
  },
};

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
];
