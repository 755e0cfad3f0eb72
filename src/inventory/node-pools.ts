import { z } from 'zod';
import { parseQuantity } from '../workload/quantity.js';
import type { Node } from './inventory.js';

const text = z.string().min(1).max(253);
const MOST_NODES_OF_A_POOL = 1000;

const poolSchema = z.strictObject({
  /** Of the pool, for people. */
  name: text,
  /** Nodes that the autoscaler may bring the pool to. */
  maxNodes: z.int().min(0).max(MOST_NODES_OF_A_POOL),
  /** Labels that every node of the pool carries, and no other node: they tell which nodes are there already. */
  labels: z
    .record(z.string(), z.string())
    .refine((labels) => Object.keys(labels).length > 0, 'name a label that its nodes carry and others do not'),
  taints: z
    .array(
      z.strictObject({
        key: text,
        value: z.string().default(''),
        effect: z.enum(['NoSchedule', 'PreferNoSchedule', 'NoExecute']),
      }),
    )
    .max(50)
    .default([]),
  /** What a node has to give, as in `kubectl get node -o yaml`. Amounts that are left out limit nothing. */
  allocatable: z.record(z.string(), z.union([z.string(), z.number()])).default({}),
  /** Instead of GPU Feature Discovery's labels: model and number of the GPUs of a node. */
  gpus: z.strictObject({ model: text, count: z.int().min(1).max(64) }).optional(),
});

const poolsSchema = z.array(poolSchema).max(200);

/** A pool of nodes that an autoscaler may let grow, also from nothing. */
export type NodePool = z.output<typeof poolSchema>;

/** Node pools that cannot be used: names the field and what to write there. */
export class UnreadableNodePools extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnreadableNodePools';
  }
}

/** Reads a list of pools. Throws UnreadableNodePools with the path of the first field that is wrong. */
export function readNodePools(document: unknown): readonly NodePool[] {
  const { success, data, error } = poolsSchema.safeParse(document);
  if (success) return data;
  const [issue] = error.issues;
  throw new UnreadableNodePools(
    issue === undefined ? 'not a list of pools' : `${z.core.toDotPath(issue.path) || 'pools'}: ${issue.message}`,
  );
}

/** The nodes by which each pool may still grow, given those that are there. */
export function potentialNodes(pools: readonly NodePool[], nodes: readonly Node[]): readonly Node[] {
  return pools.flatMap((pool) => {
    const present = nodes.filter(({ labels }) => isOfPool(pool, labels)).length;
    const missing = Math.max(0, pool.maxNodes - present);
    return Array.from({ length: missing }, (_, index) => potentialNode(pool, present + index + 1));
  });
}

const isOfPool = (pool: NodePool, labels: Node['labels']): boolean =>
  Object.entries(pool.labels).every(([key, value]) => labels[key] === value);

function potentialNode(pool: NodePool, number: number): Node {
  const name = `${pool.name}-potential-${number}`;
  return {
    name,
    labels: { 'kubernetes.io/hostname': name, ...gpuLabels(pool), ...pool.labels },
    taints: pool.taints,
    unschedulable: false,
    ready: true,
    allocatable: allocatableOf(pool),
    requested: {},
    potential: true,
  };
}

const vendorOf = ({ model }: NonNullable<NodePool['gpus']>): 'amd' | 'nvidia' =>
  /amd|instinct/i.test(model) ? 'amd' : 'nvidia';

function gpuLabels({ gpus }: NodePool): Record<string, string> {
  if (gpus === undefined) return {};
  if (vendorOf(gpus) === 'amd') return { 'amd.com/gpu.product-name': gpus.model };
  return { 'nvidia.com/gpu.product': gpus.model.replaceAll(' ', '-'), 'nvidia.com/gpu.count': String(gpus.count) };
}

function allocatableOf({ allocatable, gpus }: NodePool): Record<string, number> {
  const amounts = Object.entries(allocatable).flatMap(([resource, quantity]) => {
    const amount = parseQuantity(quantity);
    return amount === null ? [] : [[resource, amount] as const];
  });
  const offered = gpus === undefined ? {} : { [`${vendorOf(gpus)}.com/gpu`]: gpus.count };
  return { ...offered, ...Object.fromEntries(amounts) };
}
