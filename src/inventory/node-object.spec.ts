import { describe, expect, it } from '@jest/globals';
import { readBoundPod, readNode, withRequested } from './node-object.js';

describe('a Node object', () => {
  it('is read with amounts in base units', () => {
    const object = {
      metadata: { name: 'n1', labels: { a: 'b' } },
      spec: { unschedulable: true, taints: [{ key: 'k', effect: 'NoSchedule' }, { key: 'x', effect: 'Odd' }, 7] },
      status: {
        allocatable: { cpu: '95820m', memory: '1Ki', 'nvidia.com/gpu': '8', odd: 'many', pods: 110 },
        conditions: [{ type: 'Ready', status: 'Unknown' }],
      },
    };
    expect(readNode(object)).toEqual({
      name: 'n1',
      labels: { a: 'b' },
      taints: [{ key: 'k', value: '', effect: 'NoSchedule' }],
      unschedulable: true,
      ready: false,
      allocatable: { cpu: 95.82, memory: 1024, 'nvidia.com/gpu': 8, pods: 110 },
      requested: {},
    });
  });

  it('may be as bare as a name', () => {
    expect(readNode({ metadata: { name: 'n1' } })).toMatchObject({
      ready: true,
      unschedulable: false,
      allocatable: {},
    });
  });

  it.each([null, 7, 'node', {}, { metadata: {} }, { metadata: { name: '' } }, { metadata: { name: 3 } }])(
    'is not made of %j',
    (object) => {
      expect(readNode(object)).toBeNull();
    },
  );
});

describe('a bound pod', () => {
  const container = (requests: Record<string, string>, rest: object = {}) => ({ resources: { requests }, ...rest });
  const pod = (spec: object, phase = 'Running') => ({ spec: { nodeName: 'n1', ...spec }, status: { phase } });

  it('takes what runs side by side, or more where it starts with more', () => {
    const spec = {
      containers: [container({ cpu: '1' }), { resources: { limits: { 'nvidia.com/gpu': '2' } } }],
      initContainers: [container({ cpu: '500m' }, { restartPolicy: 'Always' }), container({ cpu: '4', memory: '1Gi' })],
      overhead: { cpu: '100m' },
    };
    expect(readBoundPod(pod(spec))).toEqual({
      node: 'n1',
      requests: { cpu: 4.6, memory: 2 ** 30, 'nvidia.com/gpu': 2, pods: 1 },
    });
  });

  it('takes what is asked for the pod as a whole in place of what its containers ask', () => {
    const asked = [container({ cpu: '1', memory: '1Gi' }), { resources: { limits: { 'nvidia.com/gpu': '2' } } }];
    const spec = { containers: asked, resources: { requests: { cpu: '6' }, limits: { memory: '8Gi' } } };
    const requests = { cpu: 6, memory: 8 * 2 ** 30, 'nvidia.com/gpu': 2, pods: 1 };
    expect(readBoundPod(pod(spec))).toEqual({ node: 'n1', requests });
  });

  it.each([pod({ nodeName: '' }), pod({ nodeName: undefined }), pod({}, 'Succeeded'), pod({}, 'Failed'), {}, null])(
    'is only counted while it is bound and not done: %j',
    (object) => {
      expect(readBoundPod(object)).toBeNull();
    },
  );

  it('counts on its node', () => {
    const n1 = readNode({ metadata: { name: 'n1' } });
    const bound = readBoundPod(pod({ containers: [container({ cpu: '1' })] }));
    if (n1 === null || bound === null) throw new Error('expected a node and a pod');
    const [node] = withRequested([n1], [bound, bound, { ...bound, node: 'n2' }]);
    expect(node?.requested).toEqual({ cpu: 2, pods: 2 });
  });
});
