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
function transformedTiles({ pass, dense3x3, dtype, inputBytes, outputBytes, weightBytes }: ConvolutionCall): number {
  if (pass !== 'weight-gradient' || !dense3x3 || dtype.name !== 'float32') return 0;
  return Math.ceil(TRANSFORMED_IMAGE * (inputBytes + outputBytes) + TRANSFORMED_FILTER * weightBytes);
}

/**
 * What cuDNN asks for through the caching allocator while a convolution runs. Its tensor-core kernels work on channels
 * last: tensors in the default layout are transposed on the way in and out, into scratch memory as large as input,
 * output and weight (NVIDIA, Deep Learning Performance: Convolutional Layers, "Tensor Layouts In Memory"). Kernels
 * without tensor cores work in place, but for gradients of 3 x 3 filters. Depthwise convolutions are PyTorch's own kernels.
 */
export function cudnnWorkspace(run: RunValues, device: DeviceTraits): ConvolutionWorkspace {
  if (device.vendor === 'amd') return NO_WORKSPACE;
  const capability = device.computeCapability ?? AMPERE;
  return (call) => {
    if (call.depthwise || call.channelsLast || run.channelsLast) return 0;
    if (!usesTensorCores(call, capability)) return transformedTiles(call);
    return call.inputBytes + call.outputBytes + call.weightBytes;
  };
}
