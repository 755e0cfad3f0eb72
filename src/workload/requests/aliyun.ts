import type { Asked, RequestForm, Understood } from './request-form.js';
import { GIB, amountOf, partialDevices } from './request-form.js';

const MEMORY = 'aliyun.com/gpu-mem';
const COUNT = 'aliyun.com/gpu-count';
const CORES = 'aliyun.com/gpu-core.percentage';
const NAMES = [MEMORY, COUNT, CORES];

/** Aliyun's GPU sharing: GiB of memory, over `gpu-count` cards or one (AliyunContainerService/gpushare-scheduler-extender). */
export const aliyun: RequestForm = {
  name: 'Aliyun GPU sharing',
  writes: NAMES,
  read(asked: Asked): Understood | null {
    const memory = amountOf(asked, MEMORY);
    if (memory.value === 0) return null;
    const count = asked.amounts.get(COUNT) ?? { ...memory, value: 1 };
    const memoryBytes = (memory.value * GIB) / Math.max(1, count.value);
    return { requests: [partialDevices(MEMORY, 'nvidia', count, { memoryBytes })], names: NAMES };
  },
};
