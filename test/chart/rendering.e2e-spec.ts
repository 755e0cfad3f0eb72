import { describe, expect, it } from '@jest/globals';
import { readSettings } from '../../src/config/read-settings.js';
import { SETTING_DEFINITIONS } from '../../src/config/settings.js';
import { WORKLOAD_KINDS } from '../../src/workload/kinds.js';
import { environmentOf, podSpecOf } from './container.js';
import { chartFolder, helm, one, refusal, render, valueSets, valuesOf } from './helm.js';

interface Rule {
  apiGroups: string[];
  apiVersions: string[];
  resources: string[];
  operations: string[];
}

interface Webhook {
  failurePolicy: string;
  sideEffects: string;
  clientConfig: { caBundle?: string; service: { name: string; namespace: string; path: string } };
  namespaceSelector: { matchExpressions: object[] };
  reinvocationPolicy?: string;
  rules: Rule[];
}

const tryOut = valuesOf('try-out');
const database = '--set=database.existingSecret.name=database';

describe.each(valueSets)('the chart with the values of ci/%s-values.yaml', (set) => {
  it('has nothing that helm lint finds fault with', async () => {
    const { code, stdout } = await helm(['lint', chartFolder, '--strict', ...valuesOf(set)]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: expect.stringContaining('0 chart(s) failed') });
  });

  it('gives the service settings that it starts with', async () => {
    const env = environmentOf(one(await render(...valuesOf(set)), 'Deployment'));
    const known = Object.values(SETTING_DEFINITIONS).map(({ variable }) => variable);
    expect(env.map(({ name }) => name).filter((name) => !known.includes(name))).toEqual([]);
    const values = env.map(({ name, value }) => [name, value ?? 'postgresql://database/plimsoll']);
    expect(readSettings(Object.fromEntries(values) as Record<string, string>)).toMatchObject({
      apiAuthentication: 'token-review',
      kubeconfig: 'in-cluster',
      webhookUrl: null,
    });
  });

  it('runs no container as root, with a root file system to write to, or with a capability', async () => {
    const pods = (await render(...valuesOf(set))).flatMap((object) => podSpecOf(object) ?? []);
    expect(pods.length).toBeGreaterThanOrEqual(2);
    for (const pod of pods) {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } });
      for (const container of pod.containers) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
        expect(container.resources).toMatchObject({ requests: expect.anything(), limits: expect.anything() });
      }
    }
  });

  it('grants no wildcard, and nothing on Secrets but the one that it keeps itself', async () => {
    const roles = (await render(...valuesOf(set))).filter(({ kind }) => /Role$/.test(kind));
    const rules = roles.flatMap((role) => role['rules'] as Record<'apiGroups' | 'resources' | 'verbs', string[]>[]);
    expect(rules.flatMap((rule) => [...rule.apiGroups, ...rule.resources, ...rule.verbs])).not.toContain('*');
    const own = {
      apiGroups: [''],
      resources: ['secrets'],
      resourceNames: ['plimsoll-webhook-tls'],
      verbs: ['get', 'update'],
    };
    expect(rules.filter(({ resources }) => resources.includes('secrets'))).toEqual(set === 'self-managed' ? [own] : []);
  });

  it('sends reviews of every handled kind, and of nothing else, to both webhooks', async () => {
    const objects = await render(...valuesOf(set));
    const handled = WORKLOAD_KINDS.map(({ apiGroup, versions, resource }) => ({
      apiGroups: [apiGroup],
      apiVersions: [...versions],
      resources: [resource],
      operations: ['CREATE', 'UPDATE'],
    }));
    for (const kind of ['MutatingWebhookConfiguration', 'ValidatingWebhookConfiguration']) {
      const [webhook] = one(objects, kind)['webhooks'] as Webhook[];
      expect(
        webhook?.rules.map(({ apiGroups, apiVersions, resources, operations }) => ({
          apiGroups,
          apiVersions,
          resources,
          operations,
        })),
      ).toEqual(handled);
      const service = one(objects, 'Service', webhook?.clientConfig.service.name);
      expect(webhook?.clientConfig.service.namespace).toBe(service.metadata.namespace);
    }
  });
});

describe('the webhooks', () => {
  it('leave out the own namespace, those of the system and those whose mode is off', async () => {
    const [webhook] = one(await render(...tryOut), 'MutatingWebhookConfiguration')['webhooks'] as Webhook[];
    expect(webhook?.namespaceSelector.matchExpressions).toEqual([
      {
        key: 'kubernetes.io/metadata.name',
        operator: 'NotIn',
        values: ['gpu-tools', 'kube-system', 'kube-node-lease', 'kube-public'],
      },
      { key: 'plimsoll.dev/mode', operator: 'NotIn', values: ['off'] },
    ]);
  });

  it('where the default mode is off, see only namespaces that ask for more', async () => {
    const objects = await render(...tryOut, '--set=defaultMode=off');
    const [webhook] = one(objects, 'ValidatingWebhookConfiguration')['webhooks'] as Webhook[];
    expect(webhook?.namespaceSelector.matchExpressions).toContainEqual({
      key: 'plimsoll.dev/mode',
      operator: 'In',
      values: ['advise', 'enforce'],
    });
  });

  it('trust the authority that cert-manager puts in, and wait for it', async () => {
    const objects = await render(...valuesOf('production'));
    const mutating = one(objects, 'MutatingWebhookConfiguration');
    const certificate = one(objects, 'Certificate', 'plimsoll-webhook-tls');
    expect(mutating.metadata.annotations).toEqual({
      'cert-manager.io/inject-ca-from': `${certificate.metadata.namespace}/${certificate.metadata.name}`,
    });
    expect((mutating['webhooks'] as Webhook[])[0]?.clientConfig).not.toHaveProperty('caBundle');
    expect(certificate['spec']).toMatchObject({ dnsNames: ['plimsoll-webhook.gpu-tools.svc'] });
  });

  it('trust the same authority on both sides where Helm makes it', async () => {
    const objects = await render(...tryOut);
    const bundles = ['Mutating', 'Validating'].map(
      (kind) => (one(objects, `${kind}WebhookConfiguration`)['webhooks'] as Webhook[])[0]?.clientConfig.caBundle,
    );
    const { data } = one(objects, 'Secret', 'plimsoll-webhook-tls') as unknown as { data: Record<string, string> };
    expect(new Set([...bundles, data['ca.crt']]).size).toBe(1);
  });
});

describe('the replicas', () => {
  it('have a disruption budget where there is more than one', async () => {
    const several = await render(database);
    expect(one(several, 'PodDisruptionBudget')['spec']).toMatchObject({ maxUnavailable: 1 });
    expect((await render(...tryOut)).map(({ kind }) => kind)).not.toContain('PodDisruptionBudget');
  });

  it('are counted by the autoscaler alone where there is one', async () => {
    const objects = await render(database, '--set=autoscaling.enabled=true');
    expect(one(objects, 'Deployment')['spec']).not.toHaveProperty('replicas');
    expect(one(objects, 'HorizontalPodAutoscaler')['spec']).toMatchObject({ minReplicas: 2, maxReplicas: 6 });
  });
});

describe('the database', () => {
  it('is migrated before anything else, by the role that may change the schema', async () => {
    const job = one(await render(...valuesOf('production')), 'Job');
    expect(job.metadata.annotations).toMatchObject({ 'helm.sh/hook': 'pre-install,pre-upgrade' });
    const secretKeyRef = { name: 'plimsoll-database-owner', key: 'url' };
    expect(environmentOf(job)).toEqual([{ name: 'DATABASE_URL', valueFrom: { secretKeyRef } }]);
  });

  it('has no migration hook where it is bundled, since it is not there before the release', async () => {
    expect((await render(...tryOut)).map(({ kind }) => kind)).not.toContain('Job');
  });
});

describe('Kubernetes', () => {
  it.each(['1.30.0', '1.33.4', '1.37.2-gke.1'])('%s is given the same objects', async (version) => {
    const kinds = (await render(...valuesOf('production'), `--kube-version=${version}`)).map(({ kind }) => kind);
    expect(kinds).toEqual((await render(...valuesOf('production'))).map(({ kind }) => kind));
  });
});

describe('values that cannot work', () => {
  it.each([
    ['a name that is not there', [database, '--set=replicas=3'], "'replicas' not allowed"],
    ['a misspelt name further down', [database, '--set=webhook.failurePolice=Fail'], "'failurePolice' not allowed"],
    ['a mode that is none', [database, '--set=defaultMode=warn'], '/defaultMode'],
    [
      'a time-out that the API server refuses',
      [database, '--set=webhook.timeoutSeconds=31'],
      '/webhook/timeoutSeconds',
    ],
    ['a number as text', [database, '--set-string=replicaCount=two'], '/replicaCount'],
    ['an exporter without scheme', [database, '--set=inventory.targets[0]=10.0.0.7:9400'], '/inventory/targets/0'],
    ['a digest cut short', [database, '--set=image.digest=sha256:0123'], '/image/digest'],
    ['an older Kubernetes', [database, '--kube-version=1.29.0'], 'incompatible with Kubernetes'],
    ['no Postgres', [], 'Name a Secret with its URL'],
    ['two Postgres', [database, '--set=database.bundled.enabled=true'], 'exclude each other'],
    [
      'rejecting by failure with one replica',
      [database, '--set=webhook.failurePolicy=Fail,replicaCount=1'],
      'single replica',
    ],
    ['a budget beyond the time-out', [database, '--set=webhook.timeoutSeconds=2'], 'would hang up before the answer'],
    [
      'a drain beyond the grace period',
      [database, '--set=terminationGracePeriodSeconds=10'],
      'must be longer than drainMs',
    ],
    [
      'a certificate of a Secret without name',
      [database, '--set=webhook.certificate.source=existingSecret'],
      'name the Secret',
    ],
    [
      'a certificate whose authority is not known',
      [database, '--set=webhook.certificate.source=existingSecret,webhook.certificate.existingSecret.name=tls'],
      'must know which authority',
    ],
    [
      'a variable that the chart sets',
      [database, '--set-string=extraEnv[0].name=PORT,extraEnv[0].value=1'],
      'set by the chart already',
    ],
  ])('are refused: %s', async (_what, args, words) => {
    expect(await refusal(...args)).toContain(words);
  });
});
