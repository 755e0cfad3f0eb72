import type { JsonObject } from '../workload/workload.js';
import type { ResourceName } from './cluster.js';

export interface WebhookRegistration {
  /** Of both configurations. */
  name: string;
  /** Base URL, without the path. */
  url: string;
  authorityPem: string;
  failurePolicy: 'Ignore' | 'Fail';
  timeoutSeconds: number;
  resources: readonly ResourceName[];
  /** Kinds whose pods are never looked at: they are children, or not training. */
  podOwners: readonly string[];
}

/** Never matched: what the cluster needs to get back on its feet. */
const EXCLUDED_NAMESPACES = ['kube-system', 'kube-node-lease', 'kube-public'];

const ADMISSION = '/apis/admissionregistration.k8s.io/v1';
export const mutatingPath = (name: string): string => `${ADMISSION}/mutatingwebhookconfigurations/${name}`;
export const validatingPath = (name: string): string => `${ADMISSION}/validatingwebhookconfigurations/${name}`;

export interface WebhookPair {
  mutating: JsonObject;
  validating: JsonObject;
}

/** Both configurations with nothing but the authority in them: applied, they leave the rest as others wrote it. */
export function authorityOnly(name: string, authorityPem: string): WebhookPair {
  const caBundle = Buffer.from(authorityPem).toString('base64');
  const only = (kind: string, webhook: string): JsonObject => ({
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name },
    webhooks: [{ name: `${webhook}.plimsoll.dev`, clientConfig: { caBundle } }],
  });
  return {
    mutating: only('MutatingWebhookConfiguration', 'mutate'),
    validating: only('ValidatingWebhookConfiguration', 'validate'),
  };
}

/** The two webhook configurations, as objects to apply: for every handled kind, and only these. */
export function webhookConfigurations(registration: WebhookRegistration): WebhookPair {
  const validating = configuration('ValidatingWebhookConfiguration', 'validate', registration);
  const mutating = configuration('MutatingWebhookConfiguration', 'mutate', registration);
  for (const webhook of mutating['webhooks'] as JsonObject[]) webhook['reinvocationPolicy'] = 'IfNeeded';
  return { mutating, validating };
}

function configuration(kind: string, path: string, registration: WebhookRegistration): JsonObject {
  const { name, url, authorityPem, failurePolicy, timeoutSeconds } = registration;
  return {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind,
    metadata: { name },
    webhooks: [
      {
        name: `${path}.plimsoll.dev`,
        clientConfig: {
          url: `${url.replace(/\/$/, '')}/${path}`,
          caBundle: Buffer.from(authorityPem).toString('base64'),
        },
        admissionReviewVersions: ['v1'],
        sideEffects: 'NoneOnDryRun',
        matchPolicy: 'Equivalent',
        failurePolicy,
        timeoutSeconds,
        rules: rules(registration.resources),
        namespaceSelector: {
          matchExpressions: [
            { key: 'kubernetes.io/metadata.name', operator: 'NotIn', values: EXCLUDED_NAMESPACES },
            { key: 'plimsoll.dev/mode', operator: 'NotIn', values: ['off'] },
          ],
        },
        matchConditions: [{ name: 'no-child-pods', expression: noChildPods(registration.podOwners) }],
      },
    ],
  };
}

function rules(resources: readonly ResourceName[]): JsonObject[] {
  return resources.map(({ apiGroup, versions, resource }) => ({
    apiGroups: [apiGroup],
    apiVersions: [...versions],
    operations: ['CREATE', 'UPDATE'],
    resources: [resource],
    scope: '*',
  }));
}

/**
 * Almost every pod has an owner: those that a controller made never leave the API server. What a person writes as owner
 * is not believed: see src/admission/written-by-controller.ts.
 */
function noChildPods(owners: readonly string[]): string {
  const kinds = owners.map((owner) => `'${owner}'`).join(', ');
  return [
    "request.resource.resource != 'pods'",
    "!request.userInfo.username.startsWith('system:')",
    '!has(object.metadata.ownerReferences)',
    `!object.metadata.ownerReferences.exists(o, has(o.controller) && o.controller && o.kind in [${kinds}])`,
  ].join(' || ');
}
