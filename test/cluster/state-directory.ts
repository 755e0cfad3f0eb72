import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, createSigningKeys } from './certificates.js';
import type { Authority, KeyPair, Subject } from './certificates.js';
import { STAGES_FILE, stagesText } from './fake-kubelets.js';

/** What a client of the API server needs. */
export interface AdminAccess extends KeyPair {
  server: string;
  caPem: string;
  kubeconfig: string;
}

/** The longest path of a unix socket is 107 bytes on Linux and 103 on macOS. */
const longestSocketPath = 103;

const serving: Subject = {
  commonName: 'kube-apiserver',
  hosts: ['127.0.0.1', '10.0.0.1', 'localhost', 'kubernetes', 'kubernetes.default', 'kubernetes.default.svc'],
};

/** Whom the API server takes each kubeconfig's owner for. */
const users = {
  admin: { commonName: 'admin', organizations: ['system:masters'] },
  'controller-manager': { commonName: 'system:kube-controller-manager' },
  scheduler: { commonName: 'system:kube-scheduler' },
} satisfies Record<string, Subject>;

/** Writes the keys, certificates, kubeconfigs and settings that the components read, for an API server at `server`. */
export async function fillStateDirectory(directory: string, server: string): Promise<AdminAccess> {
  requireShortPath(directory);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const authority = await createAuthority('plimsoll-test-control-plane');
  await writeServerFiles(directory, authority);
  const caPem = authority.certificatePem;
  const writeUser = async (name: keyof typeof users) => {
    const pair = await authority.issue(users[name]);
    const file = `${name}.kubeconfig`;
    await writePrivate(directory, file, kubeconfigText(server, caPem, pair));
    return { ...pair, server, caPem, kubeconfig: join(directory, file) };
  };
  await writePrivate(directory, STAGES_FILE, stagesText());
  await writeUser('controller-manager');
  await writeUser('scheduler');
  return writeUser('admin');
}

async function writeServerFiles(directory: string, authority: Authority): Promise<void> {
  const pair = await authority.issue(serving);
  const signing = await createSigningKeys();
  await writePrivate(directory, 'ca.crt', authority.certificatePem);
  await writePrivate(directory, 'apiserver.crt', pair.certificatePem);
  await writePrivate(directory, 'apiserver.key', pair.privateKeyPem);
  await writePrivate(directory, 'service-account.key', signing.privateKeyPem);
  await writePrivate(directory, 'service-account.pub', signing.publicKeyPem);
}

function writePrivate(directory: string, name: string, text: string): Promise<void> {
  return writeFile(join(directory, name), text, { mode: 0o600 });
}

function requireShortPath(directory: string): void {
  if (Buffer.byteLength(join(directory, 'etcd.sock')) <= longestSocketPath) return;
  throw new Error(`directory: ${directory} is too long to hold a unix socket; choose one under 94 bytes`);
}

/** JSON, which is YAML as well. */
function kubeconfigText(server: string, caPem: string, { certificatePem, privateKeyPem }: KeyPair): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': base64(caPem) } }],
    users: [
      {
        name: 'test',
        user: { 'client-certificate-data': base64(certificatePem), 'client-key-data': base64(privateKeyPem) },
      },
    ],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
    'current-context': 'test',
  });
}
