import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ApiClient } from './api-client.js';
import { podCredentials } from './credentials.js';
import type { Credentials } from './credentials.js';
import { contextCredentials, readKubeconfig } from './kubeconfig.js';
import type { Kubeconfig } from './kubeconfig.js';

/** A kubeconfig that leads to no cluster: says what is wrong and what to do. */
export class UnusableKubeconfig extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnusableKubeconfig';
  }
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';
const NAMESPACE = join(SERVICE_ACCOUNT, 'namespace');

/** The namespace of the pod that this runs in; null where it is no pod. */
export function ownNamespace(): string | null {
  return existsSync(NAMESPACE) ? readFileSync(NAMESPACE, 'utf8').trim() : null;
}

/**
 * A client for the cluster of a kubeconfig file and context (null: its current one), or of the pod that this runs in
 * (`in-cluster`). Nothing is sent yet. Throws UnusableKubeconfig.
 */
export function connect(kubeconfig: string, context: string | null): ApiClient {
  return new ApiClient(kubeconfig === 'in-cluster' ? fromPod() : fromFile(kubeconfig, context));
}

function fromPod(): Credentials {
  if (!existsSync(join(SERVICE_ACCOUNT, 'token'))) {
    throw new UnusableKubeconfig(
      'PLIMSOLL_KUBECONFIG=in-cluster, but this is no pod with a service account. Give the path of a kubeconfig file.',
    );
  }
  return podCredentials(SERVICE_ACCOUNT, process.env);
}

function fromFile(file: string, wanted: string | null): Credentials {
  const config = readable(file, () => readKubeconfig(file));
  const name = wanted ?? config.currentContext;
  const context = config.contexts.find((each) => each.name === name);
  if (context === undefined && wanted !== null) {
    const known = config.contexts.map((each) => each.name).join(', ') || 'none';
    throw new UnusableKubeconfig(`${file} has no context "${wanted}"; it has ${known}.`);
  }
  if (context?.cluster == null) {
    throw new UnusableKubeconfig(
      `${file}: its context "${name}" names no cluster. Set PLIMSOLL_CONTEXT to one that does.`,
    );
  }
  const { cluster } = context;
  return readable(file, () => contextCredentials(config, context, cluster));
}

function readable<T extends Kubeconfig | Credentials>(file: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnusableKubeconfig(`${file} cannot be read as a kubeconfig: ${reason.split('\n', 1)[0]}`);
  }
}
