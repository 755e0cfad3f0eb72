import { describe, expect, it } from '@jest/globals';
import { webhookConfigurations } from './webhook-configurations.js';

const jobs = { apiGroup: 'batch', versions: ['v1'], resource: 'jobs' };
const pods = { apiGroup: '', versions: ['v1'], resource: 'pods' };

describe('the webhook configurations', () => {
  const { mutating, validating } = webhookConfigurations({
    name: 'plimsoll',
    url: 'https://127.0.0.1:8443/',
    authorityPem: 'PEM',
    failurePolicy: 'Ignore',
    timeoutSeconds: 5,
    resources: [jobs, pods],
    podOwners: ['Job', 'ReplicaSet'],
  });
  const [mutate] = mutating['webhooks'] as Record<string, never>[];
  const [validate] = validating['webhooks'] as Record<string, never>[];

  it('send each kind to its own path, with the authority', () => {
    const caBundle = Buffer.from('PEM').toString('base64');
    expect(mutate).toMatchObject({ clientConfig: { url: 'https://127.0.0.1:8443/mutate', caBundle } });
    expect(validate).toMatchObject({ clientConfig: { url: 'https://127.0.0.1:8443/validate', caBundle } });
    expect(mutate?.['rules']).toEqual([
      {
        apiGroups: ['batch'],
        apiVersions: ['v1'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['jobs'],
        scope: '*',
      },
      {
        apiGroups: [''],
        apiVersions: ['v1'],
        operations: ['CREATE', 'UPDATE'],
        resources: ['pods'],
        scope: '*',
      },
    ]);
  });

  it('never match kube-system, nor a namespace whose mode is off', () => {
    for (const webhook of [mutate, validate]) {
      expect(webhook?.['namespaceSelector']).toEqual({
        matchExpressions: [
          { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: expect.arrayContaining(['kube-system']) },
          { key: 'plimsoll.dev/mode', operator: 'NotIn', values: ['off'] },
        ],
      });
    }
  });

  it('leave out the pods of controllers, and of nobody who only says so', () => {
    const [condition] = mutate?.['matchConditions'] as unknown as { expression: string }[];
    expect(condition?.expression.split(' || ')).toEqual([
      "request.resource.resource != 'pods'",
      "!request.userInfo.username.startsWith('system:')",
      '!has(object.metadata.ownerReferences)',
      expect.stringContaining("o.kind in ['Job', 'ReplicaSet']"),
    ]);
  });

  it('may be called again after others only where they change things', () => {
    expect(mutate?.['reinvocationPolicy']).toBe('IfNeeded');
    expect(validate).not.toHaveProperty('reinvocationPolicy');
  });
});
