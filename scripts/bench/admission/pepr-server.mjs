/**
 * Pepr's admission controller as its own package runs it: certificate and path come from the environment. It opens its
 * endpoints once it has read its store from the API server, which is stood in for here by one that holds nothing else. It
 * works nothing out: what is compared is the framework, not its users' code.
 *   node pepr-server.mjs FOLDER PORT    FOLDER is where pepr is installed
 */
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const [folder = '.', port = '3000'] = process.argv.slice(2);

const storeNamed = (name) => ({
  apiVersion: 'pepr.dev/v1',
  kind: 'PeprStore',
  metadata: { name, namespace: 'pepr-system', resourceVersion: '1', uid: name },
  data: {},
});
const stores = ['store', 'schedule'].map((which) => storeNamed(`pepr-bench-${which}`));

/** Gives the stores, alone, as a list and as the beginning of a watch. */
function answer(request, response) {
  const { pathname, searchParams } = new URL(request.url, 'http://127.0.0.1');
  const asked = stores.filter(
    ({ metadata: { name } }) => pathname.endsWith(name) || request.url.includes(`%3D${name}`),
  );
  response.writeHead(200, { 'content-type': 'application/json' });
  if (searchParams.get('watch') === 'true') {
    for (const object of asked) response.write(`${JSON.stringify({ type: 'ADDED', object })}\n`);
    return;
  }
  const list = { apiVersion: 'pepr.dev/v1', kind: 'PeprStoreList', metadata: { resourceVersion: '1' }, items: asked };
  const isOne = stores.some(({ metadata: { name } }) => pathname.endsWith(name));
  response.end(JSON.stringify(isOne ? asked[0] : list));
}

const api = createServer(answer).listen(0, '127.0.0.1');
await once(api, 'listening');
const kubeconfig = join(mkdtempSync(join(tmpdir(), 'pepr-bench-')), 'kubeconfig');
writeFileSync(
  kubeconfig,
  JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'bench',
        cluster: { server: `http://127.0.0.1:${api.address().port}`, 'insecure-skip-tls-verify': true },
      },
    ],
    users: [{ name: 'bench', user: {} }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
    'current-context': 'bench',
  }),
);
process.env.KUBECONFIG = kubeconfig;

const { Capability, PeprModule, a } = createRequire(join(folder, 'package.json'))('pepr');

const ANSWER = {
  'plimsoll.dev/verdict': 'fits-some',
  'plimsoll.dev/assessment': '0123456789abcdef0123',
  'plimsoll.dev/memory': '8.3Gi (7.9Gi–8.8Gi)',
  'plimsoll.dev/capacity': '14.6Gi on Tesla T4',
  'plimsoll.dev/advice': 'keep it on the devices that hold it, by node affinity on nvidia.com/gpu.product',
};

const capability = new Capability({ name: 'bench', description: 'fixed annotations', namespaces: [] });
capability
  .When(a.Job)
  .IsCreatedOrUpdated()
  .Mutate((job) => {
    for (const [name, value] of Object.entries(ANSWER)) job.SetAnnotation(name, value);
  });

const pepr = { uuid: 'bench', name: 'bench', onError: 'audit', alwaysIgnore: { namespaces: [] } };
new PeprModule({ description: 'bench', pepr }, [capability], { deferStart: true }).start(Number(port));
process.once('disconnect', () => process.exit());
