import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ControlPlane } from '../cluster/control-plane.js';

/** A kubeconfig file that holds no right but those of a service account, as its pods have them; and the token in it. */
export async function kubeconfigOf(
  plane: ControlPlane,
  account: { name: string; namespace: string },
): Promise<{ file: string; token: string }> {
  const args = ['create', 'token', account.name, `--namespace=${account.namespace}`];
  const { code, stdout, stderr } = await plane.kubectl(args);
  if (code !== 0) throw new Error(stderr);
  const token = stdout.trim();
  const file = join(plane.directory, `${account.name}.kubeconfig`);
  await writeFile(file, JSON.stringify(kubeconfig(plane, token)), { mode: 0o600 });
  return { file, token };
}

function kubeconfig({ server, caPem }: ControlPlane, token: string): object {
  const authority = Buffer.from(caPem).toString('base64');
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': authority } }],
    users: [{ name: 'account', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'account' } }],
    'current-context': 'test',
  };
}
