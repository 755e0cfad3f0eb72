import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../../advisor/facts.js';
import { CliError } from '../cli-error.js';
import { parseSupposedGpus, supposedInventory } from './supposed-gpus.js';

const { gpus } = loadFacts();
const nowMs = 0;

describe('--gpu', () => {
  it.each([
    ['a100-40gb', { name: 'a100-40gb', migProfile: null, perNode: null, nodes: null }],
    ['a100-40gb:8', { name: 'a100-40gb', migProfile: null, perNode: 8, nodes: null }],
    ['h100:8x4', { name: 'h100', migProfile: null, perNode: 8, nodes: 4 }],
    ['h100/3g.40gb:2', { name: 'h100', migProfile: '3g.40gb', perNode: 2, nodes: null }],
  ])('%s', (text, expected) => {
    expect(parseSupposedGpus(text)).toEqual(expected);
  });

  it.each(['', ':8', 'a100:0', 'a100:eight', 'a100:8x', 'a100/big'])('refuses %j', (text) => {
    expect(() => parseSupposedGpus(text)).toThrow(CliError);
  });

  it('makes nodes that take every pod, with the capacity that a process can use', () => {
    const wanted = { devicesPerPod: 1, pods: 2 };
    const { nodes, devices } = supposedInventory([parseSupposedGpus('a100-40gb:8')], wanted, { gpus, nowMs });
    expect(nodes.map(({ supposed }) => supposed)).toEqual([true, true]);
    expect(devices).toHaveLength(16);
    expect(devices[0]).toMatchObject({ model: 'NVIDIA A100-SXM4-40GB', resource: 'nvidia.com/gpu' });
    expect((devices[0]?.capacityBytes ?? 0) / 1024 ** 3).toBeCloseTo(39.6, 1);
  });

  it('takes as many as a pod asks for where no number is given', () => {
    const wanted = { devicesPerPod: 4, pods: 1 };
    expect(supposedInventory([parseSupposedGpus('l4')], wanted, { gpus, nowMs }).devices).toHaveLength(4);
  });

  it('names GPUs like the one that is not known, and the profiles that a GPU has', () => {
    const wanted = { devicesPerPod: 1, pods: 1 };
    const suppose = (text: string) => () => supposedInventory([parseSupposedGpus(text)], wanted, { gpus, nowMs });
    expect(suppose('a100-96gb')).toThrow('no GPU is known by the name a100-96gb');
    expect(suppose('h100/5g.40gb')).toThrow('NVIDIA H100 80GB HBM3 has no MIG profile 5g.40gb');
  });
});
