import { describe, expect, it } from '@jest/globals';
import { bfloat16, float16, float32 } from '../../model/dtype.js';
import type { RunValues } from '../../run/training-run.js';
import type { DeviceTraits } from '../estimate.js';
import type { ConvolutionCall } from '../operations/convolution-workspace.js';
import { cudnnWorkspace } from './cudnn-workspace.js';

const CALL: ConvolutionCall = {
  pass: 'forward',
  dtype: float32,
  inputBytes: 1000,
  outputBytes: 2000,
  weightBytes: 10,
  depthwise: false,
  channelsLast: false,
  filter: 'other',
};
const RUN = { channelsLast: false } as RunValues;
const nvidia = (computeCapability: number | null): DeviceTraits => ({ model: '', vendor: 'nvidia', computeCapability });

describe('cuDNN scratch memory', () => {
  it.each([
    ['TF32 on Ampere', float32, 8.0, 1010],
    ['fp32 on Volta, which has no TF32', float32, 7.0, 0],
    ['fp16 on Volta', float16, 7.0, 1010],
    ['fp16 on Pascal, which has no tensor cores', float16, 6.1, 0],
    ['bf16 on Turing', bfloat16, 7.5, 0],
    ['TF32 on a device not known', float32, null, 1010],
  ] as const)('with %s', (_, dtype, capability, bytes) => {
    expect(cudnnWorkspace(RUN, nvidia(capability))({ ...CALL, dtype })).toBe(bytes);
  });

  it('holds the transformed tiles of 3 x 3 filters on Volta in fp32', () => {
    const call = { ...CALL, pass: 'weight-gradient', filter: 'dense3x3' } as const;
    expect(cudnnWorkspace(RUN, nvidia(7))(call)).toBe(2.25 * 3000 + 4 * 10);
    expect(cudnnWorkspace(RUN, nvidia(7))({ ...call, pass: 'input-gradient' })).toBe(0);
    expect(cudnnWorkspace(RUN, nvidia(7))({ ...call, filter: 'other' })).toBe(0);
  });

  it('copies all tensors for gradients, and sums filters in parts of one tile a multiprocessor', () => {
    const workspace = cudnnWorkspace(RUN, nvidia(8));
    expect(workspace({ ...CALL, pass: 'input-gradient' })).toBe(3010);
    expect(workspace({ ...CALL, pass: 'weight-gradient' })).toBe(3010 + 108 * 65_536);
    expect(cudnnWorkspace(RUN, nvidia(9))({ ...CALL, pass: 'weight-gradient' })).toBe(3010 + 132 * 65_536);
  });

  it.each(['forward', 'input-gradient', 'weight-gradient'] as const)(
    'is not needed for filters of one pixel, %s',
    (pass) => {
      expect(cudnnWorkspace(RUN, nvidia(8))({ ...CALL, pass, filter: 'pointwise' })).toBe(0);
    },
  );

  it('is not needed where tensors are channels last', () => {
    expect(cudnnWorkspace(RUN, nvidia(8))({ ...CALL, channelsLast: true })).toBe(0);
    expect(cudnnWorkspace({ ...RUN, channelsLast: true }, nvidia(8))(CALL)).toBe(0);
  });

  it('is not needed for depthwise convolutions', () => {
    expect(cudnnWorkspace(RUN, nvidia(8))({ ...CALL, depthwise: true })).toBe(0);
  });
});
