import type { RunValues } from '../../run/training-run.js';
import type { DeviceTraits } from '../estimate.js';
import type { ConvolutionCall, ConvolutionWorkspace } from '../operations/convolution-workspace.js';
import { NO_WORKSPACE } from '../operations/convolution-workspace.js';

const AMPERE = 8.0;
const VOLTA = 7.0;

/** Whether the kernel is one for tensor cores: TF32 (on by default for convolutions) from Ampere, fp16 from Volta. */
function usesTensorCores({ dtype }: ConvolutionCall, capability: number): boolean {
  return dtype.name === 'float16' ? capability >= VOLTA : capability >= AMPERE;
}

/** Tiles of 4 x 4 results are multiplied as tiles of 6 x 6, and filters of 3 x 3, too (Lavin and Gray 2016, F(4x4, 3x3)). */
const TRANSFORMED_IMAGE = 36 / 16;
const TRANSFORMED_FILTER = 36 / 9;

/**
 * Without tensor cores, gradients of 3 x 3 filters are made by Winograd's transform. For them cuDNN has it only in parts
 * that hand over all transformed tiles through memory (its reference: CUDNN_CONVOLUTION_BWD_FILTER_ALGO_WINOGRAD is not
 * implemented, ..._WINOGRAD_NONFUSED is, for 3 x 3 and steps of one).
 */
function transformedTiles({ pass, filter, dtype, inputBytes, outputBytes, weightBytes }: ConvolutionCall): number {
  if (pass !== 'weight-gradient' || filter !== 'dense3x3' || dtype.name !== 'float32') return 0;
  return Math.ceil(TRANSFORMED_IMAGE * (inputBytes + outputBytes) + TRANSFORMED_FILTER * weightBytes);
}

/**
 * Multiprocessors by compute capability, of the largest data-centre card of each (NVIDIA's architecture whitepapers: V100
 * 80, T4 40, A100 108, A40 84, L40 142, H100 132, B200 148).
 */
const MULTIPROCESSORS: readonly (readonly [number, number])[] = [
  [7.0, 80],
  [7.5, 40],
  [8.0, 108],
  [8.6, 84],
  [8.9, 142],
  [9.0, 132],
  [10.0, 148],
];
/** What one thread block of a usual kernel sums up: 128 x 128 results in fp32 (`tilesize128x128` in the kernels' names). */
const TILE_BYTES = 128 * 128 * 4;

/** Gradients of filters are small and their sums long: they are split over all multiprocessors, and parts added up. */
function partialSums(capability: number): number {
  const known = MULTIPROCESSORS.filter(([since]) => since <= capability).at(-1) ?? MULTIPROCESSORS[0]!;
  return known[1] * TILE_BYTES;
}

/**
 * What a kernel for tensor cores copies. They want channels last: of tensors in the default layout they take a copy (NVIDIA,
 * Deep Learning Performance: Convolutional Layers, "Tensor Layouts In Memory"). Forward they read copies of input and filter
 * and write the result where it belongs (cuDNN's `fprop_implicit_gemm_..._nhwckrsc_nchw`), in backward they read and write
 * copies (`dgrad_...` and `wgrad_..._nhwckrsc_nhwc`), those of filters in many parts (`reduce_wgrad_nchw_helper`). Filters
 * of one pixel are plain products of matrices (`ampere_..gemm_..`, `cutlass_80_tensorop_..gemm`), for which tensors are
 * right as they lie. Names as profiles of ResNet and AlexNet training on A100 have them.
 */
function copies({ pass, filter, inputBytes, outputBytes, weightBytes }: ConvolutionCall, capability: number): number {
  if (filter === 'pointwise') return 0;
  if (pass === 'forward') return inputBytes + weightBytes;
  const sums = pass === 'weight-gradient' ? partialSums(capability) : 0;
  return inputBytes + outputBytes + weightBytes + sums;
}

/**
 * Scratch memory that cuDNN takes by heuristics (`cudnn.benchmark` off). Kernels without tensor cores work in place, but for
 * gradients of 3 x 3 filters. Depthwise convolutions are PyTorch's own kernels.
 */
export function cudnnWorkspace(run: RunValues, device: DeviceTraits): ConvolutionWorkspace {
  if (device.vendor === 'amd') return NO_WORKSPACE;
  const capability = device.computeCapability ?? AMPERE;
  return (call) => {
    if (call.depthwise || call.channelsLast || run.channelsLast) return 0;
    return usesTensorCores(call, capability) ? copies(call, capability) : transformedTiles(call);
  };
}
