import { z } from 'zod';
import { parseQuantity } from '../workload/quantity.js';
import type { Json } from '../workload/workload.js';
import { endingOf } from './container-status.js';
import type { Ending } from './container-status.js';

/** A pod that asks for devices, as far as observing it needs it. */
export interface HolderPod {
  uid: string;
  namespace: string;
  name: string;
  /** null: not bound yet. */
  node: string | null;
  labels: Readonly<Record<string, string>>;
  /** The controller that made it; null: a pod of its own. */
  owner: { uid: string; kind: string; name: string } | null;
  /** Extended resources that it asks for, by name. */
  asks: Readonly<Record<string, number>>;
  /** GPUs by UUID, where the kubelet says which ones its containers got. */
  deviceIds: readonly string[];
  /** How often its training container was started again in place. */
  attempt: number;
  /** How it ended; null while it runs. */
  ending: Ending | null;
  /** How the attempt before this one ended. */
  lastEnding: Ending | null;
}

const strings = z.record(z.string(), z.string()).catch({});
const quantities = z.record(z.string(), z.union([z.string(), z.number()])).catch({});
const json = z.json().optional().catch(undefined);
const containerSchema = z.object({
  name: z.string().catch(''),
  resources: z.object({ limits: quantities.optional(), requests: quantities.optional() }).nullish().catch(null),
});
const statusSchema = z.object({
  name: z.string(),
  restartCount: z.int().min(0).catch(0),
  state: json,
  lastState: json,
  allocatedResourcesStatus: z
    .array(z.object({ name: z.string(), resources: z.array(z.object({ resourceID: z.string() })) }))
    .optional()
    .catch([]),
});
const podSchema = z.object({
  metadata: z.object({
    uid: z.string().min(1),
    namespace: z.string(),
    name: z.string(),
    labels: strings.nullish(),
    ownerReferences: z
      .array(z.object({ uid: z.string(), kind: z.string(), name: z.string(), controller: z.boolean().optional() }))
      .nullish()
      .catch([]),
  }),
  spec: z.object({ nodeName: z.string().nullish(), containers: z.array(containerSchema).catch([]) }),
  status: z
    .object({ phase: z.string().nullish(), containerStatuses: z.array(statusSchema).nullish().catch([]) })
    .nullish(),
});

type Container = z.output<typeof containerSchema>;
type Status = z.output<typeof statusSchema>;

/** Extended resources are the ones with a domain of their own. */
const isExtended = (resource: string): boolean => resource.includes('/') && !resource.startsWith('kubernetes.io/');

/** Reads a `v1 Pod`; null where it asks for no extended resource, or is no pod. */
export function readHolderPod(object: Json): HolderPod | null {
  const { success, data } = podSchema.safeParse(object);
  if (!success) return null;
  const holders = data.spec.containers.filter((container) => Object.keys(asksOf(container)).length > 0);
  if (holders.length === 0) return null;
  const names = new Set(holders.map(({ name }) => name));
  const statuses = (data.status?.containerStatuses ?? []).filter(({ name }) => names.has(name));
  const { uid, namespace, name, labels } = data.metadata;
  return {
    uid,
    namespace,
    name,
    node: data.spec.nodeName ?? null,
    labels: labels ?? {},
    owner: ownerIn(data.metadata.ownerReferences ?? []),
    asks: holders.map(asksOf).reduce(added, {}),
    deviceIds: [...new Set(statuses.flatMap(gpusOf))],
    attempt: Math.max(0, ...statuses.map(({ restartCount }) => restartCount)),
    ending: worstOf(
      statuses.map(({ state }) => endingOf(state)),
      data.status?.phase === 'Succeeded',
    ),
    lastEnding: worstOf(
      statuses.map(({ lastState }) => endingOf(lastState)),
      false,
    ),
  };
}

function ownerIn(references: readonly { uid: string; kind: string; name: string; controller?: boolean | undefined }[]) {
  const [owner] = references.filter(({ controller }) => controller === true);
  return owner === undefined ? null : { uid: owner.uid, kind: owner.kind, name: owner.name };
}

function asksOf({ resources }: Container): Record<string, number> {
  const written = { ...resources?.requests, ...resources?.limits };
  const amounts = Object.entries(written).map(([resource, text]) => [resource, parseQuantity(text) ?? 0] as const);
  return Object.fromEntries(amounts.filter(([resource, amount]) => isExtended(resource) && amount > 0));
}

function added(sum: Record<string, number>, one: Record<string, number>): Record<string, number> {
  const all = { ...sum };
  for (const [resource, amount] of Object.entries(one)) all[resource] = (all[resource] ?? 0) + amount;
  return all;
}

/** `GPU-<uuid>`, or `GPU-<uuid>::<replica>` of a device that is shared. A MIG device has an id of its own, not the GPU's. */
function gpusOf({ allocatedResourcesStatus = [] }: Status): string[] {
  const ids = allocatedResourcesStatus.flatMap(({ resources }) => resources.map(({ resourceID }) => resourceID));
  return ids.map((id) => id.replace(/::\d+$/, '')).filter((id) => id.startsWith('GPU-'));
}

const WORST_FIRST: readonly Ending[] = ['out-of-gpu-memory', 'out-of-host-memory', 'failed'];

/** Of several containers the one that says most; completed only once all are. */
function worstOf(endings: readonly (Ending | null)[], isDone: boolean): Ending | null {
  const worst = WORST_FIRST.find((ending) => endings.includes(ending));
  if (worst !== undefined) return worst;
  return isDone || (endings.length > 0 && endings.every((ending) => ending === 'completed')) ? 'completed' : null;
}
