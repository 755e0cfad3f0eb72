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

/**
 * What cuDNN asks for through the caching allocator while a convolution runs. Its tensor-core kernels work on channels
 * last: tensors in the default layout are transposed on the way in and out, into scratch memory as large as input,
 * output and weight (NVIDIA, Deep Learning Performance: Convolutional Layers, "Tensor Layouts In Memory"). Kernels
 * without tensor cores work in place. Depthwise convolutions are PyTorch's own kernels.
 */
export function cudnnWorkspace(run: RunValues, device: DeviceTraits): ConvolutionWorkspace {
  if (device.vendor === 'amd') return NO_WORKSPACE;
  const capability = device.computeCapability ?? AMPERE;
  return (call) => {
    if (call.depthwise || call.channelsLast || run.channelsLast || !usesTensorCores(call, capability)) return 0;
    return call.inputBytes + call.outputBytes + call.weightBytes;
  };
}
