import type { ObservationHolder } from '../advisor/observation-holder.js';
import type { Device, InventorySnapshot } from '../inventory/inventory.js';
import type { GpuLookup } from '../inventory/reading.js';
import { isDue } from '../inventory/wall-clock.js';
import { learnedContexts } from '../observation/learned-context.js';
import { usesOf } from '../observation/observed-use.js';
import type { HolderPod } from '../observation/holder-pod.js';
import type { ObservedDevice, PodObservation } from '../observation/pod-observation.js';
import type { StandingRules } from '../observation/standing.js';
import type { ObservationRepository } from '../store/observation-repository.js';
import { StoreUnavailable } from '../store/store-unavailable.js';
import { Attempts, worstOf } from './attempts.js';
import type { Attempt } from './attempts.js';
import type { HolderPods, PodOrigin, PodOrigins } from './sources.js';

export interface RecorderParts {
  /** null: no cluster is watched. What others stored is read all the same. */
  pods: HolderPods | null;
  origins: PodOrigins | null;
  holder: Pick<ObservationHolder, 'swap'>;
  repository: Pick<ObservationRepository, 'save' | 'newest' | 'writtenSince' | 'forget'>;
  /** Whether this replica is the one that records. */
  isRecording: () => boolean;
  gpus: GpuLookup;
  now: () => number;
  log: { warn(message: string): void };
}

export interface RecorderOptions {
  cluster: string;
  rules: StandingRules;
  /** Observations last seen before this long ago are forgotten. */
  keepMs: number;
  /** Least time between two writes, between two reads of what another replica wrote, and between two changes of answers. */
  everyMs: number;
  /** Observations that are kept in memory at most, and that wait for the database at most. */
  most: number;
}

export const RECORDER_DEFAULTS = { everyMs: 60_000, most: 20_000 } as const;

/** What recording came to, for metrics. */
export interface RecorderState {
  written: number;
  /** Observations that were let go because too many waited. */
  dropped: number;
  failedWrites: number;
}

/** Fingerprints of which later answers are given: each takes some hundred bytes, and some microseconds to look through. */
const MOST_FINGERPRINTS = 2_000;
/** Origins that are looked for in one round: each may take an assessment. */
const ORIGINS_AT_A_TIME = 20;
/** A pod whose workload is not found in so many rounds belongs to none that is handled. */
const MOST_LOOKS = 20;
const TIDY_EVERY_MS = 3_600_000;

/**
 * Writes down what pods use of their devices, and gives later answers what counts of it. Runs beside the collection of
 * the inventory, on the replica that collects; the others read what it wrote. Nothing of it is ever waited for by an
 * answer. While the database is away, what is to be written waits in memory.
 */
export class UseRecorder {
  readonly state: RecorderState = { written: 0, dropped: 0, failedWrites: 0 };
  /** All that is known, oldest first, by id. */
  readonly #known = new Map<string, PodObservation>();
  readonly #unwritten = new Set<string>();
  readonly #attempts = new Attempts((id) => this.#known.get(id)?.use ?? null);
  readonly #origins = new Map<string, { origin: PodOrigin | null; looks: number }>();
  #snapshot: InventorySnapshot | null = null;
  #watermark: string | null = null;
  #writtenAtMs = -Infinity;
  #readAtMs = -Infinity;
  #tidiedAtMs = -Infinity;
  #hasRecorded = false;
  #isNewsWaiting = false;
  #publishedAtMs = -Infinity;
  #work: Promise<void> = Promise.resolve();

  constructor(
    private readonly parts: RecorderParts,
    private readonly options: RecorderOptions,
  ) {
    parts.pods?.onGone((pod) => void this.gone(pod));
  }

  /** Attempts that are followed now. */
  get following(): number {
    return this.#attempts.size;
  }

  /** Observations that wait to be written. */
  get waiting(): number {
    return this.#unwritten.size;
  }

  /** Takes in what the inventory shows now. One after the other; never rejects. */
  observe(snapshot: InventorySnapshot): Promise<void> {
    return this.#then(() => this.#observe(snapshot));
  }

  /** Takes in how a pod ended. Never rejects. */
  gone(pod: HolderPod): Promise<void> {
    return this.#then(() => this.#gone(pod));
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    await this.#then(() => this.#write());
  }

  #then(work: () => Promise<void>): Promise<void> {
    this.#work = this.#work.then(work).catch((error: Error) => {
      this.parts.log.warn(`what pods use could not be taken in: ${error.message}`);
    });
    return this.#work;
  }

  async #observe(snapshot: InventorySnapshot): Promise<void> {
    const { pods, isRecording, now } = this.parts;
    this.#snapshot = snapshot;
    const isChanged = await this.#read();
    if (pods === null || !isRecording()) {
      this.#isNewsWaiting ||= isChanged;
      this.#publishWhenDue();
      return;
    }
    const touched = this.#attempts.observe(snapshot, pods.pods(), now());
    let looks = 0;
    for (const attempt of touched) {
      const isLooked = looks < ORIGINS_AT_A_TIME && (await this.#findOrigin(attempt));
      if (isLooked) looks += 1;
      this.#note(attempt);
    }
    this.#isNewsWaiting ||= touched.length > 0 || isChanged;
    this.#publishWhenDue();
    if (!isDue(this.#writtenAtMs, this.options.everyMs, now())) return;
    await this.#write();
    await this.#tidy();
  }

  async #gone(pod: HolderPod): Promise<void> {
    const { pods, isRecording } = this.parts;
    if (pods === null || this.#snapshot === null || !isRecording()) return;
    const final = await pods.finalOf(pod).catch(() => null);
    const last = final ?? pod;
    const attempt = this.#attempts.end(last, last.ending, this.#snapshot);
    if (attempt === null) return;
    await this.#findOrigin(attempt);
    this.#note(attempt);
    this.#origins.delete(pod.uid);
    this.#isNewsWaiting = true;
    this.#publishWhenDue();
  }

  /** Whether it had to be looked for. What cannot be assessed now is looked for again with the next sample. */
  async #findOrigin({ pod, uses }: Attempt): Promise<boolean> {
    const known = this.#origins.get(pod.uid) ?? { origin: null, looks: 0 };
    const [held] = uses.values();
    if (known.origin !== null || known.looks >= MOST_LOOKS || held === undefined) return false;
    const device = { model: this.#deviceOf(held.device).model };
    const origin = await (this.parts.origins?.originOf(pod, device) ?? Promise.resolve(null)).catch(() => null);
    this.#origins.set(pod.uid, { origin, looks: known.looks + 1 });
    return true;
  }

  /** Writes into memory what is known of an attempt; nothing of a pod that belongs to no workload. */
  #note(attempt: Attempt): void {
    const { id, pod, node, uses } = attempt;
    const worst = worstOf(attempt);
    const known = this.#knownOf(attempt);
    if (worst === null || known === null) return;
    const { cluster } = this.options;
    const device = this.#deviceOf(worst.device);
    this.#keep({ id, cluster, pod: pod.name, node, device, devices: uses.size, use: worst.use, ...known });
    this.#unwritten.add(id);
    this.#bound();
  }

  /** Whose it is, what it trains and how it ended, as far as that is known by now; what was stored of it stands. */
  #knownOf({ id, pod, ending }: Attempt): Pick<PodObservation, 'workload' | 'run' | 'ending'> | null {
    const stored = this.#known.get(id);
    const origin = this.#origins.get(pod.uid)?.origin ?? null;
    if (stored === undefined) return origin === null ? null : { ...origin, ending };
    const { workload, run } = origin ?? stored;
    return { workload, run: stored.run ?? run, ending: ending ?? stored.ending };
  }

  /** The newest stand last. */
  #keep(observation: PodObservation): void {
    this.#known.delete(observation.id);
    this.#known.set(observation.id, observation);
  }

  #bound(): void {
    for (const id of this.#known.keys()) {
      if (this.#known.size <= this.options.most) return;
      this.#known.delete(id);
      if (this.#unwritten.delete(id)) this.state.dropped += 1;
    }
  }

  #deviceOf({ model, migProfile }: Device): ObservedDevice {
    const gpu = this.parts.gpus.find(model);
    const name = gpu?.model ?? model;
    return {
      deviceClass: migProfile === null ? name : `${name} MIG ${migProfile}`,
      model: name,
      vendor: gpu?.vendor ?? (/^AMD|Instinct/i.test(model) ? 'amd' : 'nvidia'),
      computeCapability: gpu?.computeCapability ?? null,
    };
  }

  /** Going through all that is known takes tens of milliseconds in the end: not with every sample, not with every pod. */
  #publishWhenDue(): void {
    const nowMs = this.parts.now();
    if (!this.#isNewsWaiting || !isDue(this.#publishedAtMs, this.options.everyMs, nowMs)) return;
    this.#isNewsWaiting = false;
    this.#publishedAtMs = nowMs;
    const all = [...this.#known.values()];
    const { rules } = this.options;
    this.parts.holder.swap({ uses: usesOf(all, rules, MOST_FINGERPRINTS), contexts: learnedContexts(all, rules) });
  }

  /** Reads what is stored, at first all that is kept, later what another replica wrote. Whether anything was new. */
  async #read(): Promise<boolean> {
    const { repository, now } = this.parts;
    if (!this.#isToRead()) return false;
    try {
      const { most } = this.options;
      const watermark = this.#watermark;
      const found = await (watermark === null ? repository.newest(most) : repository.writtenSince(watermark, most));
      this.#watermark = found.watermark;
      this.#readAtMs = now();
      // Where the database was away at the start, pods are followed already that were followed before it.
      if (watermark === null) for (const { id, use } of found.observations) this.#attempts.adopt(id, use);
      const news = found.observations.filter((observation) => this.#isNews(observation));
      for (const observation of news.toSorted((a, b) => a.use.lastAtMs - b.use.lastAtMs)) this.#keep(observation);
      this.#bound();
      return news.length > 0;
    } catch (error) {
      if (error instanceof StoreUnavailable) return false;
      throw error;
    }
  }

  /** Who records knows what is written since it began to. */
  #isToRead(): boolean {
    const { now, isRecording } = this.parts;
    const hasRecorded = this.#hasRecorded;
    this.#hasRecorded = isRecording();
    if (this.#watermark === null || hasRecorded !== this.#hasRecorded) return true;
    return !this.#hasRecorded && isDue(this.#readAtMs, this.options.everyMs, now());
  }

  #isNews({ id, use, ending }: PodObservation): boolean {
    const known = this.#known.get(id);
    if (known === undefined) return true;
    return use.lastAtMs > known.use.lastAtMs || (known.ending === null && ending !== null);
  }

  /** What cannot be written now is written with the next. */
  async #write(): Promise<void> {
    const observations = [...this.#unwritten].flatMap((id) => this.#known.get(id) ?? []);
    if (observations.length === 0) return;
    try {
      await this.parts.repository.save(observations, this.parts.now());
    } catch (error) {
      this.state.failedWrites += 1;
      if (error instanceof StoreUnavailable) return;
      throw error;
    }
    this.state.written += observations.length;
    this.#writtenAtMs = this.parts.now();
    for (const { id, use, ending } of observations) {
      const known = this.#known.get(id);
      if (known?.use === use && known.ending === ending) this.#unwritten.delete(id);
    }
  }

  async #tidy(): Promise<void> {
    const nowMs = this.parts.now();
    if (!isDue(this.#tidiedAtMs, TIDY_EVERY_MS, nowMs)) return;
    this.#tidiedAtMs = nowMs;
    const beforeMs = nowMs - this.options.keepMs;
    for (const [id, { use }] of this.#known) if (use.lastAtMs < beforeMs) this.#known.delete(id);
    await this.parts.repository.forget(beforeMs).catch((error: unknown) => {
      if (!(error instanceof StoreUnavailable)) throw error;
    });
  }
}
