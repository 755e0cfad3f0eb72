import { describe, expect, it } from '@jest/globals';
import { node, snapshot } from '../../test/builders/cluster.js';
import type { BuiltNode, DevicesOfNode } from '../../test/builders/cluster.js';
import { podSet } from '../../test/builders/workload.js';
import { indexCluster } from './cluster.js';
import { occupantsOf } from './occupants.js';
import { candidateFor } from './pod-set-fit.js';

const GIB = 1024 ** 3;
const gpu = (usedGib: number, pods: readonly string[] = []): DevicesOfNode => ({ gib: 80, usedGib, pods });

function occupants(...nodes: readonly BuiltNode[]): unknown[] {
  const candidate = candidateFor(podSet(), indexCluster(snapshot(...nodes)), null);
  if (candidate === null) throw new Error('the pods ask for no device');
  return occupantsOf(candidate.room, () => true, 70 * GIB);
}

describe('what holds memory that is needed now', () => {
  it('is named by its pods', () => {
    expect(occupants(node('n1', [gpu(60, ['team/train-0']), gpu(2)]))).toEqual([
      { node: 'n1', device: 'GPU 0', usedBytes: 60 * GIB, pods: ['team/train-0'], outside: false },
    ]);
  });

  it('is a process outside Kubernetes where the node names the pods of others, and stands first', () => {
    const found = occupants(node('n1', [gpu(60, ['team/train-0']), gpu(30)]));
    expect(found).toMatchObject([{ usedBytes: 30 * GIB, outside: true }, { pods: ['team/train-0'] }]);
  });

  it('is one too where no pod of the node asks for such a device', () => {
    expect(occupants(node('n1', [gpu(30)]))).toMatchObject([{ outside: true }]);
  });

  it('is not said to be one where pods hold devices and the exporter names none', () => {
    const requested = { 'nvidia.com/gpu': 1 };
    expect(occupants(node('n1', [gpu(30)], { requested }))).toMatchObject([{ outside: false, pods: [] }]);
  });
});
