import { z } from 'zod';
import { parseQuantity } from '../workload/quantity.js';
import type { Node } from './inventory.js';

const quantities = z.record(z.string(), z.union([z.string(), z.number()])).catch({});
const strings = z.record(z.string(), z.string()).catch({});
const taint = z.object({
  key: z.string(),
  value: z.string().catch(''),
  effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
});
const condition = z.object({ type: z.string(), status: z.string() });

/** A `v1 Node` as the API server gives it, as far as fitting needs it; what is odd in it is left out, not refused. */
const nodeSchema = z.object({
  metadata: z.object({ name: z.string().min(1).max(253), labels: strings.nullish() }),
  spec: z
    .object({ taints: z.array(z.unknown()).nullish(), unschedulable: z.boolean().nullish() })
    .nullish()
    .catch(null),
  status: z
    .object({ allocatable: quantities.nullish(), conditions: z.array(z.unknown()).nullish() })
    .nullish()
    .catch(null),
});

/** Amounts by resource name, in base units (cores, bytes, devices). */
export type Amounts = Readonly<Record<string, number>>;

/** The node that a `v1 Node` object describes, nothing asked of it yet; null where it is none. */
export function readNode(object: unknown): Node | null {
  const { success, data } = nodeSchema.safeParse(object);
  if (!success) return null;
  return {
    name: data.metadata.name,
    labels: data.metadata.labels ?? {},
    taints: parsedOnes(taint, data.spec?.taints),
    unschedulable: data.spec?.unschedulable ?? false,
    ready: isReady(parsedOnes(condition, data.status?.conditions)),
    allocatable: amountsOf(data.status?.allocatable ?? {}),
    requested: {},
  };
}

/** A node without conditions (one that was written by hand) counts as ready. */
function isReady(conditions: readonly { type: string; status: string }[]): boolean {
  const ready = conditions.find(({ type }) => type === 'Ready');
  return ready === undefined ? true : ready.status === 'True';
}

function parsedOnes<T>(schema: z.ZodType<T>, items: readonly unknown[] | null | undefined): readonly T[] {
  return (items ?? []).flatMap((item) => {
    const parsed = schema.safeParse(item);
    return parsed.success ? [parsed.data] : [];
  });
}

function amountsOf(written: Readonly<Record<string, string | number>>): Amounts {
  const amounts: Record<string, number> = {};
  for (const [resource, quantity] of Object.entries(written)) {
    const amount = parseQuantity(quantity);
    if (amount !== null) amounts[resource] = amount;
  }
  return amounts;
}

const resources = z.object({ requests: quantities.nullish(), limits: quantities.nullish() }).nullish();
const containers = z
  .array(z.object({ restartPolicy: z.string().nullish(), resources }))
  .nullish()
  .catch([]);
const podSchema = z.object({
  spec: z.object({
    nodeName: z.string().min(1),
    containers,
    initContainers: containers,
    overhead: quantities.nullish(),
    resources: resources.catch(null),
  }),
  status: z.object({ phase: z.string().nullish() }).nullish(),
});

/** What a pod that is bound to a node asks for. */
export interface BoundPod {
  node: string;
  requests: Amounts;
}

/**
 * What a `v1 Pod` object takes of its node; null where it is bound to none, or done.
 * Per resource the larger of all that runs side by side and of each init container beside the sidecars before it,
 * as the scheduler counts (k8s.io/component-helpers resource.PodRequests); what is asked for the pod as a whole stands for
 * what its containers ask (KEP-2837).
 */
export function readBoundPod(object: unknown): BoundPod | null {
  const { success, data } = podSchema.safeParse(object);
  if (!success || data.status?.phase === 'Succeeded' || data.status?.phase === 'Failed') return null;
  const { nodeName, containers: apps, initContainers, overhead, resources: whole } = data.spec;
  const { sidecars, largestInit } = initAmounts(initContainers ?? []);
  const running = (apps ?? []).reduce((sum, app) => addAmounts(sum, requestsOf(app)), sidecars);
  const asked = { ...largestAmounts(running, largestInit), ...requestsOf({ resources: whole }) };
  const requests = addAmounts(asked, amountsOf(overhead ?? {}));
  return { node: nodeName, requests: addAmounts(requests, { pods: 1 }) };
}

/** Sidecars keep running; any other init container runs beside the sidecars before it. */
function initAmounts(inits: readonly ContainerObject[]): { sidecars: Amounts; largestInit: Amounts } {
  let sidecars: Amounts = {};
  let largestInit: Amounts = {};
  for (const init of inits) {
    const asked = addAmounts(sidecars, requestsOf(init));
    if (init.restartPolicy === 'Always') sidecars = asked;
    largestInit = largestAmounts(largestInit, asked);
  }
  return { sidecars, largestInit };
}

type ContainerObject = NonNullable<z.output<typeof containers>>[number];

/** A limit without a request is the request too. */
const requestsOf = ({ resources: asked }: Pick<ContainerObject, 'resources'>): Amounts =>
  amountsOf({ ...asked?.limits, ...asked?.requests });

const addAmounts = (a: Amounts, b: Amounts): Amounts => merged(a, b, (x, y) => x + y);
const largestAmounts = (a: Amounts, b: Amounts): Amounts => merged(a, b, Math.max);

function merged(a: Amounts, b: Amounts, combine: (x: number, y: number) => number): Amounts {
  const all: Record<string, number> = { ...a };
  for (const [resource, amount] of Object.entries(b)) all[resource] = combine(all[resource] ?? 0, amount);
  return all;
}

/** The nodes with what the pods ask of them; pods of other nodes are left out. */
export function withRequested(nodes: readonly Node[], pods: readonly BoundPod[]): readonly Node[] {
  const byNode = new Map<string, Amounts>();
  for (const pod of pods) byNode.set(pod.node, addAmounts(byNode.get(pod.node) ?? {}, pod.requests));
  return nodes.map((node) => ({ ...node, requested: byNode.get(node.name) ?? {} }));
}
