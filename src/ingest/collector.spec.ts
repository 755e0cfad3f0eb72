import { afterAll, describe, expect, it } from '@jest/globals';
import { loadFacts } from '../advisor/facts.js';
import { InventoryHolder } from '../advisor/inventory-holder.js';
import type { Node } from '../inventory/inventory.js';
import { readNode } from '../inventory/node-object.js';
import { Database } from '../store/database.js';
import { IngestLock } from '../store/ingest-lock.js';
import { InventoryRepository } from '../store/inventory-repository.js';
import { Collector } from './collector.js';

const silent = { log: () => undefined, warn: () => undefined };
const database = new Database('postgresql://nobody@127.0.0.1:1/none', silent);
afterAll(() => database.close());

function collectorOf(nodes: () => readonly Node[] | null): { collector: Collector; holder: InventoryHolder } {
  const holder = new InventoryHolder();
  const collector = new Collector({
    sources: [],
    pools: [],
    nodeSource: { nodes },
    holder,
    repository: new InventoryRepository(database),
    lock: new IngestLock(database),
    gpus: loadFacts().gpus,
    now: () => 1_000,
    log: silent,
  });
  return { collector, holder };
}

describe('the inventory of a watched cluster', () => {
  it('is not known before its nodes are: everything would look unschedulable', () => {
    let nodes: readonly Node[] | null = null;
    const { collector, holder } = collectorOf(() => nodes);
    collector.refresh();
    expect(holder.isKnown()).toBe(false);
    nodes = [readNode({ metadata: { name: 'gpu-1' } })!];
    collector.refresh();
    expect(holder.current().nodes.map(({ name }) => name)).toEqual(['gpu-1']);
  });
});
