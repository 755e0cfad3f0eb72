import { describe, expect, it } from '@jest/globals';
import { endingOf, slimContainerStatus } from './container-status.js';

const ended = (exitCode: number, more: Record<string, string> = {}) => ({ terminated: { exitCode, ...more } });

describe('how a container ended', () => {
  it.each([
    ['by itself', ended(0, { reason: 'Completed' }), 'completed'],
    ['out of memory of the host', ended(137, { reason: 'OOMKilled' }), 'out-of-host-memory'],
    ['killed for another reason', ended(137, { reason: 'Error' }), 'failed'],
    ['with an error', ended(1, { reason: 'Error', message: 'ValueError: no data' }), 'failed'],
    ['not yet', { running: {} }, null],
    ['not started', undefined, null],
    ['with nonsense for a status', [1, 2], null],
  ] as const)('%s', (_, state, ending) => {
    expect(endingOf(state as never)).toBe(ending);
  });

  it.each([
    'torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 39.39 GiB',
    'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB',
    'RuntimeError: CUDA error: out of memory',
    'torch.OutOfMemoryError: HIP out of memory. Tried to allocate 1.00 GiB',
    "ncclUnhandledCudaError: Call to CUDA function failed. Cuda failure 2 'out of memory'",
    'jaxlib.xla_extension.XlaRuntimeError: RESOURCE_EXHAUSTED: Out of memory allocating 17179869184 bytes.',
  ])('out of GPU memory: %s', (message) => {
    expect(endingOf(ended(1, { message }))).toBe('out-of-gpu-memory');
  });

  it.each([
    'cannot allocate memory',
    'RuntimeError: CUBLAS_STATUS_ALLOC_FAILED when calling cublasCreate',
    'oom: retry',
  ])('is not taken for out of GPU memory by: %s', (message) => {
    expect(endingOf(ended(1, { message }))).toBe('failed');
  });

  it('is all that is kept of a message', () => {
    const message = 'secret token abc\nRuntimeError: CUDA out of memory. Tried to allocate 2 GiB for /data/private';
    const slim = slimContainerStatus({ name: 'train', restartCount: 2, state: ended(1, { message }), image: 'x' });
    expect(JSON.stringify(slim)).not.toMatch(/secret|private/);
    expect(endingOf(slim['state'])).toBe('out-of-gpu-memory');
    expect(slim).toMatchObject({ name: 'train', restartCount: 2 });
  });

  it('is found in bounded time at the end of a long message', () => {
    const message = `${'CUDA '.repeat(1_000_000)}CUDA out of memory`;
    expect(endingOf(ended(1, { message }))).toBe('out-of-gpu-memory');
  });
});
