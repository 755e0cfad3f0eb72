import { describe, expect, it } from '@jest/globals';
import type { JsonObject } from '../workload/workload.js';
import { exporterTarget, parseSelectors } from './exporter-pods.js';

const selectors = parseSelectors('app=dcgm-exporter, tier = gpu ; app=other;');
const pod = (labels: JsonObject, status: JsonObject = {}, ports: JsonObject[] = []): JsonObject => ({
  metadata: { labels },
  spec: { nodeName: 'gpu-1', containers: [{ ports }] },
  status: { phase: 'Running', podIP: '10.0.0.7', ...status },
});

describe('exporter pods', () => {
  it('are told by any of several selectors', () => {
    expect(selectors).toEqual([{ app: 'dcgm-exporter', tier: 'gpu' }, { app: 'other' }]);
    expect(exporterTarget(pod({ app: 'other' }), selectors)).toEqual({
      url: 'http://10.0.0.7:9400/metrics',
      node: 'gpu-1',
    });
    expect(exporterTarget(pod({ app: 'dcgm-exporter' }), selectors)).toBeNull();
  });

  it('are scraped at the port they name', () => {
    const ports: JsonObject[] = [{ containerPort: 1 }, { name: 'metrics', containerPort: 9401 }];
    expect(exporterTarget(pod({ app: 'other' }, {}, ports), selectors)?.url).toBe('http://10.0.0.7:9401/metrics');
    expect(exporterTarget(pod({ app: 'other' }, { podIP: 'fd00::7' }), selectors)?.url).toBe(
      'http://[fd00::7]:9400/metrics',
    );
  });

  it('are left out while they do not run', () => {
    expect(exporterTarget(pod({ app: 'other' }, { phase: 'Pending' }), selectors)).toBeNull();
    expect(exporterTarget({ kind: 'Pod' }, selectors)).toBeNull();
  });
});
