import type { DeviceOffers, Node } from '../inventory/inventory.js';
import type { DeviceReading, GpuLookup } from '../inventory/reading.js';

/** What became of one target in one collection. */
export const OUTCOMES = ['ok', 'empty', 'timeout', 'unreachable', 'refused', 'too-large', 'unreadable'] as const;
export type Outcome = (typeof OUTCOMES)[number];

export interface TargetResult {
  /** The address without user and password. */
  target: string;
  outcome: Outcome;
  /** For people; null where all went well. */
  problem: string | null;
  durationMs: number;
  /** Lines of wanted metrics that could not be read. */
  malformedLines: number;
}

export interface Collected {
  readings: readonly DeviceReading[];
  results: readonly TargetResult[];
  /** Nodes, where the source knows them too; null: it does not. */
  nodes: readonly Node[] | null;
  /** What drivers hand out to claims, where the source knows that. */
  offers?: DeviceOffers;
}

export interface CollectContext {
  gpus: GpuLookup;
  now: () => number;
  /** Ends the collection early, when the process stops. */
  signal: AbortSignal;
}

/** A stretch of time: from `fromMs` on, before `toMs`. */
export interface Stretch {
  fromMs: number;
  toMs: number;
}

/** One way to learn about devices. `collect` never rejects: what goes wrong is in the results. */
export interface InventorySource {
  name: string;
  collect(context: CollectContext): Promise<Collected>;
  /**
   * What the source keeps of the past, where it keeps any: the readings of one moment at a time, in the order of time, so
   * that no more than that is held. Never rejects: it ends early, with a result that says why.
   */
  backfill?(context: CollectContext, stretch: Stretch): AsyncIterable<Collected>;
}

/** An exporter to scrape. */
export interface ExporterTarget {
  url: string;
  /** The node that it runs on; null where only its own labels can tell. */
  node: string | null;
}

/** Finds exporters: their pods in the cluster. Answers from memory. */
export interface ExporterDiscovery {
  targets(): readonly ExporterTarget[];
}

/** Injection token of the ExporterDiscovery; nothing is injected where no cluster is watched. */
export const EXPORTER_DISCOVERY = Symbol('exporter discovery');

/** Knows the nodes of the cluster, with what their pods ask for. Answers from memory. */
export interface NodeSource {
  /** null: not known yet. */
  nodes(): readonly Node[] | null;
  /** What drivers hand out to claims; null: not known (yet). */
  offers?(): DeviceOffers | null;
  /** Calls `listener` when nodes, or what their pods ask for, have changed. Without it changes show at the next collection. */
  onChange?(listener: () => void): void;
}

/** Injection token of the NodeSource; nothing is injected where no cluster is watched. */
export const NODE_SOURCE = Symbol('node source');
