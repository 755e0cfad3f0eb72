import { beforeAll, describe, expect, it } from '@jest/globals';
import { render, valueSets, valuesOf } from './helm.js';
import type { Manifest } from './helm.js';
import { schemasOf } from './openapi-schemas.js';
import type { KubernetesSchemas } from './openapi-schemas.js';

/** The oldest that the chart takes, one between, and the one that the other tests run. */
const VERSIONS = ['1.30.14', '1.34.4', '1.37.2'];

/** Kinds of operators that the chart can make objects for. */
const OF_OPERATORS = ['Certificate', 'Issuer', 'ServiceMonitor', 'PrometheusRule'];

describe.each(VERSIONS)('the chart on Kubernetes %s', (version) => {
  let schemas: KubernetesSchemas;

  beforeAll(async () => {
    schemas = await schemasOf(version);
  }, 120_000);

  it.each(valueSets)(
    'gives objects that its API describes, with the values of ci/%s-values.yaml',
    async (set) => {
      const objects = await render(`--kube-version=${version}`, ...valuesOf(set));
      const own = objects.filter(({ kind }) => !OF_OPERATORS.includes(kind));
      expect(own.length).toBeGreaterThan(8);
      expect(own.map((object) => schemas.faults(object) ?? `${object.kind} is not there`).flat()).toEqual([]);
    },
    60_000,
  );

  it('has a field that nobody knows found out', () => {
    const service = {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 'wrong', labels: {} },
      spec: { ports: [{ port: '80', colour: 'red' }] },
    } satisfies Manifest;
    expect(schemas.faults(service)).toEqual([
      expect.stringContaining('colour'),
      expect.stringContaining('/spec/ports/0/port must be integer'),
    ]);
  });
});

describe('the chart on Kubernetes 1.29', () => {
  it('is refused, with the version that it needs', async () => {
    await expect(render('--kube-version=1.29.0', ...valuesOf('production'))).rejects.toThrow('>=1.30.0');
  });
});
