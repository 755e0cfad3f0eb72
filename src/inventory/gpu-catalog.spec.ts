import { describe, expect, it } from '@jest/globals';
import { loadFacts } from '../advisor/facts.js';

const { gpus } = loadFacts();

describe('GPU catalog', () => {
  it.each([
    ['NVIDIA A100-SXM4-80GB', 'NVIDIA A100-SXM4-80GB'],
    ['NVIDIA-A100-SXM4-80GB', 'NVIDIA A100-SXM4-80GB'],
    ['NVIDIA-A100-SXM4-80GB-SHARED', 'NVIDIA A100-SXM4-80GB'],
    ['NVIDIA-H100-80GB-HBM3-MIG-1g.10gb', 'NVIDIA H100 80GB HBM3'],
    ['NVIDIA-H100-80GB-HBM3-MIG-1g.10gb-SHARED', 'NVIDIA H100 80GB HBM3'],
    ['a100-40gb', 'NVIDIA A100-SXM4-40GB'],
    ['h100', 'NVIDIA H100 80GB HBM3'],
    ['L4', 'NVIDIA L4'],
    ['t4', 'Tesla T4'],
    ['mi300x', 'AMD Instinct MI300X'],
  ])('knows %s as %s', (name, model) => {
    expect(gpus.find(name)?.model).toBe(model);
  });

  it('does not guess at names it does not know', () => {
    expect(gpus.find('NVIDIA Z9000')).toBeNull();
  });

  it('tells what processes can use from what nvidia-smi shows', () => {
    const gpu = gpus.find('h100');
    expect(gpu).toMatchObject({ totalMib: 81559, usableMib: 81090, computeCapability: 9 });
  });

  it('never has more usable than total', () => {
    expect(gpus.gpus.filter((gpu) => (gpu.usableMib ?? 0) > (gpu.totalMib ?? Infinity))).toEqual([]);
  });

  it('counts one die of an MI250 as a device', () => {
    expect(gpus.find('mi250')?.totalMib).toBe(65520);
  });

  it('knows MIG profiles by resource name', () => {
    const h100 = gpus.find('h100');
    expect(h100 && gpus.findMigProfile(h100, 'nvidia.com/mig-3g.40gb')?.memoryMib).toBe(40448);
    expect(h100 && gpus.findMigProfile(h100, '1g.10gb.me')?.profile).toBe('1g.10gb+me');
    expect(h100 && gpus.findMigProfile(h100, '1g.5gb')).toBeNull();
  });

  it('knows that a profile holds less than its name says', () => {
    const h200 = gpus.find('h200');
    expect(h200 && gpus.findMigProfile(h200, '1g.18gb')?.memoryMib).toBe(16384);
  });
});
