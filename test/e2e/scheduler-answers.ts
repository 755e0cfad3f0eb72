import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError } from '../../src/cluster/api-client.js';
import type { ApiClient } from '../../src/cluster/api-client.js';
import type { JsonObject } from '../../src/workload/workload.js';
import { nodeObject } from '../cluster/gpu-node.js';
import { waitFor } from '../cluster/wait-for.js';

/** What the scheduler did with a pod. `refused`: the API server did not even take it. */
export type SchedulerAnswer = { kind: 'bound'; node: string } | { kind: 'unschedulable' | 'refused'; words: string };

/** Objects that make up a cluster. */
export interface LaidObjects {
  nodes: readonly JsonObject[];
  pods?: readonly JsonObject[];
  slices?: readonly JsonObject[];
  /** ResourceClaims that hold devices, with their status. */
  claims?: readonly JsonObject[];
}

interface Pod {
  spec: { nodeName?: string };
  status: { conditions?: { type: string; status: string; reason?: string; message?: string }[] };
}

export const PODS = '/api/v1/namespaces/default/pods';
export const NODES = '/api/v1/nodes';
export const SLICES = '/apis/resource.k8s.io/v1/resourceslices';
export const CLASSES = '/apis/resource.k8s.io/v1/deviceclasses';
export const CLAIMS = '/apis/resource.k8s.io/v1/namespaces/default/resourceclaims';
const AT_ONCE = { gracePeriodSeconds: '0' };
const NOTHING_ALLOCATED = { allocation: null, reservedFor: null };
const PROBE_DRIVER = 'probe.example.com';

const nameOf = (object: JsonObject): string => (object['metadata'] as { name: string }).name;

/** Lays clusters of plain objects on a control plane, one after the other, and asks its scheduler for places. */
export class SchedulerAnswers {
  private laid = 0;

  constructor(private readonly api: ApiClient) {}

  create(path: string, object: JsonObject): Promise<JsonObject> {
    return this.api.call({ method: 'POST', path, body: object });
  }

  /** Takes away what was there, creates the objects, and waits until the scheduler has seen them. */
  async lay({ nodes, pods = [], slices = [], claims = [] }: LaidObjects): Promise<void> {
    this.laid += 1;
    for (const path of [PODS, NODES, SLICES]) await this.api.call({ method: 'DELETE', path, query: AT_ONCE });
    for (const claim of await this.list(CLAIMS)) await this.release(nameOf(claim));
    for (const node of nodes) await this.create(NODES, node);
    for (const claim of claims) await this.hold(claim);
    for (const slice of slices) await this.create(SLICES, slice);
    for (const pod of pods) await this.taken(PODS, pod);
    await this.seen();
  }

  /** Objects of one collection as they stand in the API server. */
  async list(path: string): Promise<JsonObject[]> {
    return (await this.api.call({ method: 'GET', path }))['items'] as JsonObject[];
  }

  /** Creates the pod with its claims, waits until the scheduler has bound it or said why not, and takes all away again. */
  async answerFor(pod: JsonObject, claims: readonly JsonObject[] = []): Promise<SchedulerAnswer> {
    const name = nameOf(pod);
    for (const claim of claims) await this.create(CLAIMS, claim);
    const refused = await this.taken(PODS, pod);
    const answer = refused === null ? await this.decided(name) : ({ kind: 'refused', words: refused } as const);
    if (refused === null) await this.api.call({ method: 'DELETE', path: `${PODS}/${name}`, query: AT_ONCE });
    for (const claim of claims) await this.release(nameOf(claim));
    return answer;
  }

  private async hold(claim: JsonObject): Promise<void> {
    const { status, ...object } = claim;
    const created = await this.create(CLAIMS, object);
    const path = `${CLAIMS}/${nameOf(claim)}/status`;
    await this.api.call({ method: 'PUT', path, body: { ...created, status } });
  }

  /** As the controller does that is not there: what is allocated is given back, then nothing holds the claim. */
  private async release(name: string): Promise<void> {
    const path = `${CLAIMS}/${name}`;
    const contentType = 'application/merge-patch+json';
    await this.api.call({ method: 'PATCH', path: `${path}/status`, contentType, body: { status: NOTHING_ALLOCATED } });
    await this.api.call({ method: 'PATCH', path, contentType, body: { metadata: { finalizers: null } } });
    await this.api.call({ method: 'DELETE', path, query: AT_ONCE });
  }

  private async taken(path: string, object: JsonObject): Promise<string | null> {
    try {
      await this.create(path, object);
      return null;
    } catch (error) {
      if (error instanceof ApiError && error.status === 422) return error.message;
      throw error;
    }
  }

  private async decided(name: string): Promise<SchedulerAnswer> {
    const end = Date.now() + 20_000;
    while (Date.now() < end) {
      const pod = (await this.api.call({ method: 'GET', path: `${PODS}/${name}` })) as unknown as Pod;
      if (pod.spec.nodeName !== undefined) return { kind: 'bound', node: pod.spec.nodeName };
      const said = pod.status.conditions?.find(({ type, status }) => type === 'PodScheduled' && status === 'False');
      if (said !== undefined) return { kind: 'unschedulable', words: `${said.reason}: ${said.message}` };
      await sleep(10);
    }
    throw new Error(`the scheduler did not decide on ${name}`);
  }

  /** Objects of a kind come to the scheduler in order: once it uses those that were created last, it knows them all. */
  private async seen(): Promise<void> {
    const name = `probe-${this.laid}`;
    const labels = { probe: name };
    const pool = { name, generation: 1, resourceSliceCount: 1 };
    const spec = { driver: PROBE_DRIVER, nodeName: name, pool, devices: [{ name: 'probe' }] };
    await this.create(NODES, nodeObject({ name, gpus: 0, labels }) as JsonObject);
    await this.create(SLICES, { apiVersion: 'resource.k8s.io/v1', kind: 'ResourceSlice', metadata: { name }, spec });
    await waitFor(async () => (await this.answerFor(probePod(name, labels), [probeClaim(name)])).kind === 'bound', {
      timeoutMs: 30_000,
      what: 'the scheduler knows the nodes and their devices',
    });
    for (const path of [NODES, SLICES]) await this.api.call({ method: 'DELETE', path: `${path}/${name}` });
  }
}

/** Matches the device of the probe, which is the only one of its driver. */
export const PROBE_CLASS: JsonObject = {
  apiVersion: 'resource.k8s.io/v1',
  kind: 'DeviceClass',
  metadata: { name: 'probe' },
  spec: { selectors: [{ cel: { expression: `device.driver == '${PROBE_DRIVER}'` } }] },
};

const probeClaim = (name: string): JsonObject => ({
  apiVersion: 'resource.k8s.io/v1',
  kind: 'ResourceClaim',
  metadata: { name, namespace: 'default' },
  spec: { devices: { requests: [{ name: 'probe', exactly: { deviceClassName: 'probe' } }] } },
});

const probePod = (name: string, nodeSelector: JsonObject): JsonObject => ({
  apiVersion: 'v1',
  kind: 'Pod',
  metadata: { name, namespace: 'default' },
  spec: {
    nodeSelector,
    resourceClaims: [{ name: 'probe', resourceClaimName: name }],
    containers: [{ name: 'probe', image: 'registry.example/probe:1' }],
    terminationGracePeriodSeconds: 0,
  },
});
