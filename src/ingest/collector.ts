import type { InventoryHolder } from '../advisor/inventory-holder.js';
import { CAPACITY_HORIZON_MS, DAY_MS } from '../inventory/device-record.js';
import type { DeviceRecord } from '../inventory/device-record.js';
import type { DeviceOffers, Node } from '../inventory/inventory.js';
import type { NodePool } from '../inventory/node-pools.js';
import type { DeviceReading, GpuLookup } from '../inventory/reading.js';
import { buildSnapshot } from '../inventory/snapshot.js';
import { isDue } from '../inventory/wall-clock.js';
import type { IngestLock } from '../store/ingest-lock.js';
import type { InventoryRepository } from '../store/inventory-repository.js';
import { StoreUnavailable } from '../store/store-unavailable.js';
import { Backfill } from './backfill.js';
import { DeviceBook } from './device-book.js';
import type { Collected, CollectContext, InventorySource, NodeSource, TargetResult } from './sources.js';
import { WindowBuffer } from './window-buffer.js';

export interface CollectorParts {
  sources: readonly InventorySource[];
  nodeSource: NodeSource | null;
  holder: InventoryHolder;
  repository: InventoryRepository;
  lock: Pick<IngestLock, 'hold'>;
  gpus: GpuLookup;
  /** Pools of nodes that an autoscaler may let grow. */
  pools: readonly NodePool[];
  now: () => number;
  log: { log(message: string): void; warn(message: string): void };
}

export interface CollectorOptions {
  /** Length of the windows that are stored. */
  windowSeconds: number;
  mostWindowsWaiting: number;
  /** Least time between two writes: windows are gathered meanwhile. */
  writeEveryMs: number;
  /** Windows older than this become one a day. */
  foldAfterMs: number;
  /** Windows, devices and nodes not seen for this long are forgotten. */
  keepMs: number;
  /** How far back sources that keep history are asked at the start; 0: not at all. */
  backfillMs: number;
}

export const COLLECTOR_DEFAULTS: CollectorOptions = {
  windowSeconds: 900,
  mostWindowsWaiting: 400_000,
  writeEveryMs: 60_000,
  foldAfterMs: 2 * DAY_MS,
  keepMs: 30 * DAY_MS,
  backfillMs: DAY_MS,
};

/** What collections came to, for metrics and the API. */
export interface CollectorState {
  /** `leader`: this replica collects; `follower`: another does; `alone`: the database cannot tell, so it collects. */
  role: 'leader' | 'follower' | 'alone' | 'starting';
  collections: number;
  lastCollectionMs: number;
  results: readonly TargetResult[];
  /** Written rows, and collections whose writing failed. */
  writtenDevices: number;
  writtenWindows: number;
  failedWrites: number;
  /** Readings of the time before this process began. */
  pastReadings: number;
}

const TIDY_EVERY_MS = 3_600_000;

/**
 * Collects the inventory: asks every source, keeps what is known in memory, swaps the snapshot that all readers answer
 * from, and writes it down. One replica collects and writes; the others read what it wrote. Without a database each
 * collects for itself, and what is to be written waits.
 */
export class Collector {
  readonly state: CollectorState = {
    role: 'starting',
    collections: 0,
    lastCollectionMs: 0,
    results: [],
    writtenDevices: 0,
    writtenWindows: 0,
    failedWrites: 0,
    pastReadings: 0,
  };
  readonly windows: WindowBuffer;
  readonly #book = new DeviceBook();
  /** Nodes of sources, where no cluster is watched. */
  #nodes: readonly Node[] = [];
  #offers: DeviceOffers | null = null;
  /** Devices that were seen since the last write. */
  readonly #unwritten = new Map<string, DeviceRecord>();
  #isRestored = false;
  #writtenAtMs = -Infinity;
  #tidiedAtMs = -Infinity;
  #running: Promise<void> | null = null;
  /** null: this process has not led yet. */
  #backfill: Backfill | null = null;
  readonly #stop = new AbortController();

  constructor(
    private readonly parts: CollectorParts,
    private readonly options: CollectorOptions = COLLECTOR_DEFAULTS,
  ) {
    this.windows = new WindowBuffer({ seconds: options.windowSeconds, mostWaiting: options.mostWindowsWaiting });
  }

  get devices(): number {
    return this.#book.size;
  }

  /** How much of the past the sources are still to be asked for. */
  get pastRemainingMs(): number {
    return this.#backfill?.remainingMs ?? 0;
  }

  /** One collection; one that is under way is joined instead. Never rejects. */
  collect(): Promise<void> {
    this.#running ??= this.collectOnce()
      .catch((error: Error) => this.parts.log.warn(`collection failed: ${error.message}`))
      .finally(() => {
        this.#running = null;
      });
    return this.#running;
  }

  /** Takes in what is stored, once; afterwards there is a snapshot even before the first collection is done. */
  async restore(): Promise<void> {
    if (this.#isRestored) return;
    const { nodes, records } = await this.parts.repository.load(this.parts.now() - CAPACITY_HORIZON_MS);
    this.#isRestored = true;
    this.#book.merge(records);
    if (this.#nodes.length === 0) this.#nodes = nodes;
    if (this.#book.size > 0 || this.#nodes.length > 0) this.refresh();
  }

  /**
   * Puts a snapshot together out of what is known now: after a collection, and when nodes changed. Before the nodes of a
   * watched cluster are known there is none: without them everything would be unschedulable.
   */
  refresh(): void {
    const { nodeSource, gpus, now, holder, pools } = this.parts;
    const nodes = nodeSource?.nodes() ?? this.#nodes;
    if (nodeSource !== null && nodes.length === 0) return;
    const offers = nodeSource?.offers?.() ?? this.#offers;
    const known = { nodes, devices: this.#book.current(), ...(offers === null ? {} : { offers }) };
    holder.swap(buildSnapshot({ ...known, nowMs: now(), gpus, pools }));
  }

  /** Ends what is under way and writes what waits. */
  async close(): Promise<void> {
    this.#stop.abort();
    await this.#running;
    if (this.state.role !== 'follower') await this.write().catch(() => undefined);
  }

  private async collectOnce(): Promise<void> {
    const startedMs = performance.now();
    this.state.role = await this.takeRole();
    if (this.state.role === 'follower') await this.follow();
    else await this.lead();
    this.state.collections += 1;
    this.state.lastCollectionMs = performance.now() - startedMs;
  }

  private async takeRole(): Promise<CollectorState['role']> {
    try {
      await this.restore();
      return (await this.parts.lock.hold()) ? 'leader' : 'follower';
    } catch (error) {
      if (error instanceof StoreUnavailable) return 'alone';
      throw error;
    }
  }

  /** Another replica collects: what it wrote is read. */
  private async follow(): Promise<void> {
    this.windows.clear();
    this.#unwritten.clear();
    this.state.results = [];
    this.#isRestored = false;
    this.#nodes = [];
    await this.restore();
  }

  private async lead(): Promise<void> {
    const { sources, gpus, now } = this.parts;
    const context = { gpus, now, signal: this.#stop.signal };
    this.takeIn(await Promise.all(sources.map((source) => source.collect(context))));
    this.refresh();
    if (this.state.role !== 'leader') return;
    // The past is written at once: with it come as many windows as otherwise in an hour.
    const isWithPast = await this.takeInPast(context);
    if (!isWithPast && !isDue(this.#writtenAtMs, this.options.writeEveryMs, now())) return;
    await this.write();
    await this.tidy();
  }

  /** One more hour of what was before this process began; whether there was anything. */
  private async takeInPast(context: CollectContext): Promise<boolean> {
    const { sources, now, log } = this.parts;
    const { backfillMs, windowSeconds } = this.options;
    this.#backfill ??= new Backfill(sources, { lengthMs: backfillMs, windowMs: windowSeconds * 1000 }, now());
    if (this.#backfill.remainingMs === 0) return false;
    const { readings, results } = await this.#backfill.next(context, (past) => this.keep(past));
    this.state.pastReadings += readings;
    for (const { target, outcome, problem } of results) {
      if (outcome !== 'ok' && outcome !== 'empty') log.warn(`the past of ${target} is not known: ${problem}`);
    }
    if (this.#backfill.remainingMs === 0) log.log(`${this.state.pastReadings} readings of the past were taken in`);
    if (readings > 0) this.refresh();
    return readings > 0;
  }

  private takeIn(collected: readonly Collected[]): void {
    this.keep(collected.flatMap((each) => each.readings));
    this.#book.forget(this.parts.now());
    const nodes = collected.flatMap((each) => each.nodes ?? []);
    if (nodes.length > 0) this.#nodes = nodes;
    this.#offers = collected.find(({ offers }) => offers !== undefined)?.offers ?? null;
    this.state.results = collected.flatMap((each) => each.results);
  }

  private keep(readings: readonly DeviceReading[]): void {
    for (const record of this.#book.observe(readings, this.parts.now())) {
      this.#unwritten.set(`${record.last.uuid}/${record.last.gpuInstance ?? ''}`, record);
    }
    this.windows.add(readings);
  }

  /** What cannot be written now is kept and written with the next. */
  private async write(): Promise<void> {
    const { repository, now, nodeSource } = this.parts;
    const writtenAtMs = now();
    const devices = [...this.#unwritten.values()];
    const windows = this.windows.all();
    try {
      await repository.saveNodes(nodeSource?.nodes() ?? this.#nodes, writtenAtMs);
      await repository.saveDevices(devices, writtenAtMs);
      await repository.saveWindows(windows);
    } catch (error) {
      this.state.failedWrites += 1;
      if (error instanceof StoreUnavailable) return;
      throw error;
    }
    this.state.writtenDevices += devices.length;
    this.state.writtenWindows += windows.length;
    this.#writtenAtMs = writtenAtMs;
    this.#unwritten.clear();
    this.windows.written(writtenAtMs);
  }

  private async tidy(): Promise<void> {
    const nowMs = this.parts.now();
    if (!isDue(this.#tidiedAtMs, TIDY_EVERY_MS, nowMs)) return;
    this.#tidiedAtMs = nowMs;
    const today = Math.floor(nowMs / DAY_MS) * DAY_MS;
    await this.parts.repository.foldWindows(today - this.options.foldAfterMs, DAY_MS / 1000);
    await this.parts.repository.forget(nowMs - this.options.keepMs);
  }
}
