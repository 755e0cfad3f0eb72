import { MessageChannel } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { Gauge, Histogram } from 'prom-client';
import { Tinypool } from 'tinypool';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import type { Assessment } from '../fit/assessment.js';
import type { Scale } from '../fit/advice/largest.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import { Metrics } from '../telemetry/metrics.js';
import { Readiness } from '../telemetry/readiness.js';
import { UnreadableManifest } from '../workload/workload.js';
import type { ObjectReference } from '../workload/workload.js';
import type {
  LargestResult,
  LargestTask,
  SharedInventory,
  SharedObservations,
  Unreadable,
  WorkerResult,
  WorkerTask,
} from './assess-worker.js';
import { AssessmentTooLong, AssessorBusy, NoInventory } from './assessor.js';
import type { Assessing, Assessor, Question, Sizer } from './assessor.js';
import { assessmentId } from './fingerprint.js';
import { Knowledge } from './knowledge.js';
import type { WorkloadLargest } from './largest-of.js';
import { NO_OBSERVATIONS, writtenObservations } from './observation-holder.js';
import { questionKey } from './question-key.js';
import { RememberedAnswers } from './remembered-answers.js';

/** Answers kept, as the length of their JSON: some tens of thousand characters each. */
const REMEMBERED_CHARACTERS = 24 * 1024 ** 2;
/** Half of what V8 would take by itself for the young generation of each worker: an estimate leaves little behind. */
const YOUNG_MIB = 24;
/** One worker stays; the others, of some 40 MiB each, come when workloads wait and go when none has for so long. */
const IDLE_WORKER_MS = 120_000;

type Settings = Pick<SettingValues, 'workers' | 'workerMemoryMib' | 'admissionWaiting' | 'estimateLimitMs'>;

/** Assesses on threads of its own, so that the event loop stays free; equal questions are worked out once. */
@Injectable()
export class AssessorPool implements Assessor, Sizer, OnModuleInit, OnApplicationShutdown {
  readonly #pool: Tinypool;
  readonly #remembered = new RememberedAnswers(REMEMBERED_CHARACTERS);
  readonly #underWay = new Map<string, Assessing>();
  readonly #seconds: Histogram;
  #shared: { snapshot: InventorySnapshot; inventory: SharedInventory } | null = null;
  #sharedObservations: { epoch: string; observations: SharedObservations } | null = null;
  #versions = 0;
  #warm = false;
  /** Why workers do not come up. */
  #trouble = 'it loads its facts';

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly known: Knowledge,
    metrics: Metrics,
    readiness: Readiness,
  ) {
    this.#pool = new Tinypool({
      filename: new URL('./assess-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: settings.workers,
      idleTimeout: IDLE_WORKER_MS,
      maxQueue: settings.admissionWaiting,
      // One that needs more is ended and replaced; the service lives on.
      resourceLimits: { maxOldGenerationSizeMb: settings.workerMemoryMib, maxYoungGenerationSizeMb: YOUNG_MIB },
    });
    this.#seconds = new Histogram({
      name: 'plimsoll_assessment_duration_seconds',
      help: 'Time to assess one workload that was not remembered, waiting included',
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30],
      registers: [metrics.registry],
    });
    const pool = this.#pool;
    new Gauge({
      name: 'plimsoll_assessments_waiting',
      help: 'Workloads that wait for a thread to assess them',
      registers: [metrics.registry],
      collect() {
        this.set(pool.queueSize);
      },
    });
    readiness.add('assessor', () => (this.#warm ? { status: 'up' } : { status: 'down', message: this.#trouble }));
  }

  /** Workers load their facts and grammars now, not at the first review. One that cannot keeps the service unready. */
  onModuleInit(): void {
    this.#pool.run(undefined, { name: 'warmUp' }).then(
      () => (this.#warm = true),
      (error: unknown) => (this.#trouble = error instanceof Error ? error.message : String(error)),
    );
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#pool.destroy();
  }

  get epoch(): string {
    return `${this.known.inventory.digest()}/${this.known.observations.epoch}`;
  }

  recall(question: Question): Assessment | null | undefined {
    if (question.inventory !== undefined || question.allAdvice === true || !this.known.inventory.isKnown())
      return undefined;
    const ofNow = question.isOfNow === true ? this.known.inventory.current().takenAtMs : null;
    const known = this.#remembered.recall(this.#keyOf(question), (each) => this.#revisionOf(each), ofNow);
    return known === undefined ? undefined : addressedTo(question.workload.reference, known);
  }

  assess(question: Question): Promise<Assessment | null> {
    const { verdict, whole } = this.begin(question);
    verdict.catch(() => undefined); // whoever asks for the whole is told by it
    return whole;
  }

  begin(question: Question): Assessing {
    if (question.inventory !== undefined) return this.#run(question, question.inventory);
    if (!this.known.inventory.isKnown()) return failing(new NoInventory());
    if (question.allAdvice === true) return this.#run(question, this.#current().inventory);
    const key = this.#keyOf(question);
    const { verdict, whole } = this.#underWay.get(key) ?? this.#beginShared(key, question);
    return {
      verdict: verdict.then((assessment) => addressedTo(question.workload.reference, assessment)),
      whole: whole.then((assessment) => addressedTo(question.workload.reference, assessment)),
    };
  }

  #beginShared(key: string, question: Question): Assessing {
    const { epoch } = this.known.observations;
    const { takenAtMs } = this.known.inventory.current();
    const { verdict, whole } = this.#run(question, this.#current().inventory);
    const remembered = whole
      .then((assessment) => {
        // What was seen meanwhile is not in it.
        const isCurrent = epoch === this.known.observations.epoch;
        if (isCurrent) this.#remembered.keep(key, assessment, { revision: this.#revisionOf(assessment), takenAtMs });
        return assessment;
      })
      .finally(() => this.#underWay.delete(key));
    const work = { verdict, whole: remembered };
    this.#underWay.set(key, work);
    return work;
  }

  async largest(question: Question, scale: Scale): Promise<WorkloadLargest | null> {
    if (question.inventory === undefined && !this.known.inventory.isKnown()) throw new NoInventory();
    const { task, port } = this.#taskOf(question, question.inventory ?? this.#current().inventory);
    try {
      const result = await this.#within<LargestResult>('largestInWorker', { ...task, scale });
      return readable(result).largest;
    } finally {
      port.close();
    }
  }

  #run(question: Question, inventory: WorkerTask['inventory']): Assessing {
    const { task, port } = this.#taskOf(question, inventory);
    const early = new Promise<Assessment>((resolve) => port.once('message', resolve));
    const whole = this.#timed(task).finally(() => port.close());
    // What is no workload has no verdict before its end.
    return { verdict: Promise.race([early, whole]), whole };
  }

  #taskOf(
    { manifest, alongside, allAdvice = false }: Question,
    inventory: WorkerTask['inventory'],
  ): { task: WorkerTask; port: MessagePort } {
    const { port1, port2 } = new MessageChannel();
    const known = { inventory, observations: this.#seen() };
    return { task: { manifest, alongside, allAdvice, ...known, nowMs: Date.now(), verdicts: port2 }, port: port1 };
  }

  async #timed(task: WorkerTask): Promise<Assessment | null> {
    const stop = this.#seconds.startTimer();
    const result = await this.#within<WorkerResult>('assessInWorker', task);
    stop();
    return readable(result).assessment;
  }

  /** Past the limit the worker is ended with its task: nothing else stops a thread. */
  async #within<Result>(name: string, task: WorkerTask | LargestTask): Promise<Result> {
    const { maxQueue } = this.#pool.options;
    if (this.#pool.queueSize >= maxQueue) throw new AssessorBusy(maxQueue);
    const { estimateLimitMs } = this.settings;
    const signal = AbortSignal.timeout(estimateLimitMs);
    const options = { name, signal, transferList: [task.verdicts] };
    try {
      return (await this.#pool.run(task, options)) as Result;
    } catch (error) {
      throw signal.aborted ? new AssessmentTooLong(estimateLimitMs) : error;
    }
  }

  /** An inventory in which only use and ages changed gives the same answers. */
  #keyOf({ workload, alongside }: Question): string {
    return `${this.known.inventory.digest()}|${questionKey(workload, alongside)}`;
  }

  /** The inventory as it is now, in the form that threads share; made once per snapshot. */
  #current(): { inventory: SharedInventory } {
    const snapshot = this.known.inventory.current();
    if (this.#shared?.snapshot === snapshot) return this.#shared;
    this.#versions += 1;
    this.#shared = { snapshot, inventory: { version: this.#versions, json: shared(snapshot) } };
    return this.#shared;
  }

  /** What was seen of earlier runs, made once per change of it. */
  #seen(): SharedObservations | null {
    const snapshot = this.known.observations.current();
    if (snapshot === NO_OBSERVATIONS) return null;
    const { epoch } = this.known.observations;
    if (this.#sharedObservations?.epoch !== epoch) {
      this.#versions += 1;
      const observations = { version: this.#versions, json: shared(writtenObservations(snapshot)) };
      this.#sharedObservations = { epoch, observations };
    }
    return this.#sharedObservations.observations;
  }

  #revisionOf(assessment: Assessment | null): string {
    return this.known.observations.revisionOf((assessment?.runs ?? []).flatMap(({ fingerprint }) => fingerprint ?? []));
  }
}

/** The answer of a worker. Throws UnreadableManifest where that is the answer. */
function readable<T extends object>(result: T | Unreadable): T {
  if ('unreadable' in result) throw new UnreadableManifest(result.unreadable.path, result.unreadable.expected);
  return result;
}

function shared(value: unknown): SharedArrayBuffer {
  const bytes = Buffer.from(JSON.stringify(value));
  const json = new SharedArrayBuffer(bytes.length);
  new Uint8Array(json).set(bytes);
  return json;
}

/** The same answer for an object of another name. */
function addressedTo({ name, uid }: ObjectReference, assessment: Assessment | null): Assessment | null {
  if (assessment === null) return null;
  const addressed = { ...assessment, workload: { ...assessment.workload, name, uid } };
  return assessment.workload.name === name ? addressed : { ...addressed, id: assessmentId(addressed) };
}

function failing(error: Error): Assessing {
  const whole = Promise.reject(error);
  return { verdict: whole, whole };
}
