import { mkdir, writeFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { ApiClient } from '../../src/cluster/api-client.js';
import { freePort, startService } from '../e2e/service.js';
import type { Service } from '../e2e/service.js';

interface Pod {
  metadata: { name: string; uid: string; deletionTimestamp?: string };
  spec: { nodeName?: string; containers: { image: string; env: { name: string; value?: string }[] }[] };
}

/** What the pods find where they run, and their Deployment does not say. */
export interface Surroundings {
  api: ApiClient;
  namespace: string;
  /** Selects the pods. */
  labels: string;
  /** The Service that leads to them. */
  service: string;
  folder: string;
  /** By name of the variable: what stands in for mounted files and Secrets. */
  settings: Readonly<Record<string, string>>;
}

/** How long load balancers take to notice that a pod goes. */
const NOTICED_MS = 300;

/**
 * Runs the pods of a release as kubelets do, each as a process of its own with the environment that its Deployment gives
 * it, and leads the Service to those that are ready. A pod that is deleted is told to stop at once; that it goes is
 * noticed a moment later.
 */
export class PodsOfRelease {
  readonly #running = new Map<string, { pod: Pod; service: Promise<Service>; isStopping: boolean }>();
  #isOver = false;
  #loop: Promise<void> = Promise.resolve();
  /** What went wrong. */
  readonly failures: unknown[] = [];

  constructor(private readonly around: Surroundings) {}

  start(): void {
    this.#loop = this.#follow().catch((error: unknown) => void this.failures.push(error));
  }

  /** Images of the pods that are ready. */
  async images(): Promise<string[]> {
    const pods = await this.#pods();
    return pods
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ spec }) => spec.containers[0]!.image);
  }

  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#loop;
    await Promise.allSettled([...this.#running.values()].map(async ({ service }) => (await service).kill()));
  }

  async #follow(): Promise<void> {
    while (!this.#isOver) {
      for (const pod of await this.#pods()) this.#attend(pod);
      await pause(200);
    }
  }

  #attend(pod: Pod): void {
    const { name, deletionTimestamp } = pod.metadata;
    const known = this.#running.get(name);
    if (pod.spec.nodeName === undefined) return;
    if (known === undefined && deletionTimestamp === undefined) {
      const service = this.#run(pod);
      this.#running.set(name, { pod, service, isStopping: false });
      service.catch((error: unknown) => this.failures.push(error));
    } else if (known !== undefined && deletionTimestamp !== undefined && !known.isStopping) {
      known.isStopping = true;
      this.#end(pod, known.service).catch((error: unknown) => this.failures.push(error));
    }
  }

  async #run(pod: Pod): Promise<Service> {
    const { name } = pod.metadata;
    const folder = join(this.around.folder, name);
    await mkdir(folder);
    // All pods share this machine: each listens on ports of its own.
    const given = pod.spec.containers[0]!.env.flatMap(({ name: key, value }) =>
      value === undefined || key.endsWith('PORT') ? [] : [[key, value]],
    );
    const port = await freePort();
    const own = { PLIMSOLL_DATA_DIR: folder, PLIMSOLL_WEBHOOK_URL: '', WEBHOOK_PORT: String(port) };
    const settings = { ...(Object.fromEntries(given) as Record<string, string>), ...own, ...this.around.settings };
    const service = await startService(settings);
    await this.#isReady(pod);
    await this.#leadTo(pod, port);
    return service;
  }

  async #end(pod: Pod, running: Promise<Service>): Promise<void> {
    const { api } = this.around;
    const service = await running;
    const stopped = service.stop();
    await pause(NOTICED_MS);
    await api.call({ method: 'DELETE', path: `${this.#slices}/${pod.metadata.name}` });
    const status = await stopped;
    if (status !== 0) this.failures.push(new Error(`${pod.metadata.name} ended with ${status}: ${service.output()}`));
    await api.call({
      method: 'DELETE',
      path: `${this.#path}/${pod.metadata.name}`,
      query: { gracePeriodSeconds: '0' },
    });
    this.#running.delete(pod.metadata.name);
  }

  async #isReady(pod: Pod): Promise<void> {
    const lastTransitionTime = new Date().toISOString().replace(/\.\d+/, '');
    const conditions = ['Ready', 'ContainersReady'].map((type) => ({ type, status: 'True', lastTransitionTime }));
    await this.around.api.call({
      method: 'PATCH',
      path: `${this.#path}/${pod.metadata.name}/status`,
      contentType: 'application/merge-patch+json',
      body: { status: { phase: 'Running', conditions } },
    });
  }

  async #leadTo(pod: Pod, port: number): Promise<void> {
    const { api, namespace, service } = this.around;
    const metadata = { name: pod.metadata.name, namespace, labels: { 'kubernetes.io/service-name': service } };
    const body = {
      apiVersion: 'discovery.k8s.io/v1',
      kind: 'EndpointSlice',
      metadata,
      addressType: 'IPv4',
      ports: [{ name: 'https', port, protocol: 'TCP' }],
      endpoints: [{ addresses: [ownAddress()], conditions: { ready: true } }],
    };
    await api.call({ method: 'POST', path: this.#slices, body });
  }

  async #pods(): Promise<Pod[]> {
    const query = { labelSelector: this.around.labels };
    return (await this.around.api.call({ method: 'GET', path: this.#path, query }))['items'] as unknown as Pod[];
  }

  get #path(): string {
    return `/api/v1/namespaces/${this.around.namespace}/pods`;
  }

  get #slices(): string {
    return `/apis/discovery.k8s.io/v1/namespaces/${this.around.namespace}/endpointslices`;
  }
}

/** An address of this machine that the API server takes as one of a pod: not the loopback. */
function ownAddress(): string {
  const found = Object.values(networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal);
  if (found === undefined) throw new Error('this machine has no IPv4 address but the loopback');
  return found.address;
}

/** The files of a Secret, as they are mounted; gives their folder. */
export async function mounted(
  api: ApiClient,
  secret: { namespace: string; name: string },
  folder: string,
): Promise<string> {
  const path = `/api/v1/namespaces/${secret.namespace}/secrets/${secret.name}`;
  const { data } = (await api.call({ method: 'GET', path })) as { data: Record<string, string> };
  await mkdir(folder);
  for (const [name, value] of Object.entries(data)) {
    await writeFile(join(folder, name), Buffer.from(value, 'base64'), { mode: 0o600 });
  }
  return folder;
}
