import { existsSync, readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { ApiClient } from './api-client.js';

/** A kubeconfig that leads to no cluster: says what is wrong and what to do. */
export class UnusableKubeconfig extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnusableKubeconfig';
  }
}

const SERVICE_ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/token';
const NAMESPACE = '/var/run/secrets/kubernetes.io/serviceaccount/namespace';

/** The namespace of the pod that this runs in; null where it is no pod. */
export function ownNamespace(): string | null {
  return existsSync(NAMESPACE) ? readFileSync(NAMESPACE, 'utf8').trim() : null;
}

/**
 * A client for the cluster of a kubeconfig file and context (null: its current one), or of the pod that this runs in
 * (`in-cluster`). Nothing is sent yet. Throws UnusableKubeconfig.
 */
export function connect(kubeconfig: string, context: string | null): ApiClient {
  const config = kubeconfig === 'in-cluster' ? fromPod() : fromFile(kubeconfig, context);
  if (!config.getCurrentCluster()) {
    throw new UnusableKubeconfig(
      `${kubeconfig}: its context "${config.getCurrentContext()}" names no cluster. Set PLIMSOLL_CONTEXT to one that does.`,
    );
  }
  return new ApiClient(config);
}

function fromPod(): KubeConfig {
  if (!existsSync(SERVICE_ACCOUNT)) {
    throw new UnusableKubeconfig(
      'PLIMSOLL_KUBECONFIG=in-cluster, but this is no pod with a service account. Give the path of a kubeconfig file.',
    );
  }
  const config = new KubeConfig();
  config.loadFromCluster();
  return config;
}

function fromFile(file: string, context: string | null): KubeConfig {
  const config = load(file);
  if (context === null) return config;
  const known = config.getContexts().map(({ name }) => name);
  if (!known.includes(context)) {
    throw new UnusableKubeconfig(`${file} has no context "${context}"; it has ${known.join(', ') || 'none'}.`);
  }
  config.setCurrentContext(context);
  return config;
}

function load(file: string): KubeConfig {
  const config = new KubeConfig();
  try {
    config.loadFromFile(file);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UnusableKubeconfig(`${file} cannot be read as a kubeconfig: ${reason.split('\n', 1)[0]}`);
  }
  return config;
}
