import type { MessagePort } from 'node:worker_threads';
import type { Assessment } from '../fit/assessment.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import { UnreadableManifest } from '../workload/workload.js';
import type { JsonObject } from '../workload/workload.js';
import type { Scale } from '../fit/advice/largest.js';
import { createAdvisor } from './advisor.js';
import type { AssessQuestion } from './advisor.js';
import { objectsAlongside } from './alongside.js';
import type { Alongside } from './alongside.js';
import { loadFacts } from './facts.js';
import { largestOf } from './largest-of.js';
import type { WorkloadLargest } from './largest-of.js';
import { loadGrammars } from './load-grammars.js';
import { NO_OBSERVATIONS } from './observation-holder.js';
import type { ObservationSnapshot, WrittenObservations } from './observation-holder.js';

/** An inventory as threads share it: its JSON once in memory, read by each worker when it is a new one. */
export interface SharedInventory {
  version: number;
  json: SharedArrayBuffer;
}

/** What earlier runs used, as threads share it. */
export interface SharedObservations {
  version: number;
  json: SharedArrayBuffer;
}

export interface WorkerTask {
  manifest: JsonObject;
  alongside: Alongside;
  inventory: SharedInventory | InventorySnapshot;
  /** null: nothing was seen yet. */
  observations: SharedObservations | null;
  nowMs: number;
  allAdvice: boolean;
  /** Where the verdict is sent as soon as it stands, before its advice; closed with the task. */
  verdicts: MessagePort;
}

/** What is asked of which the largest that fits is sought. */
export type LargestTask = WorkerTask & { scale: Scale };

/** Errors lose their class between threads: the one that is an answer comes as data. */
export type Unreadable = { unreadable: { path: string; expected: string } };
export type WorkerResult = { assessment: Assessment | null } | Unreadable;
export type LargestResult = { largest: WorkloadLargest | null } | Unreadable;

/** Whole answers are remembered by the thread that asks. */
const kept = { estimates: 300, assessments: 1 };
const facts = loadFacts();
const advisor = createAdvisor({ facts, grammars: await loadGrammars(), kept });

let held: { version: number; snapshot: InventorySnapshot } | null = null;
let seen: { version: number; snapshot: ObservationSnapshot } = { version: 0, snapshot: NO_OBSERVATIONS };

/** Assesses one workload on this worker's thread. */
export function assessInWorker(task: WorkerTask): WorkerResult {
  const { allAdvice, verdicts } = task;
  const onVerdict = (assessment: Assessment) => verdicts.postMessage(assessment);
  return orUnreadable(task, () => ({ assessment: advisor.assess({ ...questionOf(task), allAdvice, onVerdict }) }));
}

/** Seeks the largest of something that still fits, for the runs of one workload. */
export function largestInWorker(task: LargestTask): LargestResult {
  return orUnreadable(task, () => {
    const assessment = advisor.assess({ ...questionOf(task), withoutAdvice: true });
    if (assessment === null) return { largest: null };
    const { apiVersion, kind, namespace, name } = assessment.workload;
    const found = largestOf(assessment, task.scale, { advisor, facts });
    return { largest: { workload: { apiVersion, kind, namespace, name }, found } };
  });
}

function questionOf({ manifest, alongside, inventory, observations, nowMs }: WorkerTask): AssessQuestion {
  const { configMaps } = alongside;
  const files = { configMap: (name: string) => (Object.hasOwn(configMaps, name) ? configMaps[name] : undefined) };
  const objects = objectsAlongside(alongside.objects);
  const known = { inventory: snapshotOf(inventory), observations: observationsOf(observations) };
  return { manifest, files, objects, ...known, nowMs };
}

function orUnreadable<T>({ verdicts }: WorkerTask, answer: () => T): T | Unreadable {
  try {
    return answer();
  } catch (error) {
    if (error instanceof UnreadableManifest) return { unreadable: { path: error.path, expected: error.expected } };
    throw error;
  } finally {
    verdicts.close();
  }
}

/** Says that facts and grammars are loaded. */
export function warmUp(): true {
  return true;
}

function snapshotOf(inventory: WorkerTask['inventory']): InventorySnapshot {
  if (!('json' in inventory)) return inventory;
  if (held?.version !== inventory.version) {
    held = { version: inventory.version, snapshot: parsed(inventory.json) as InventorySnapshot };
  }
  return held.snapshot;
}

function observationsOf(observations: SharedObservations | null): ObservationSnapshot {
  if (observations === null) return NO_OBSERVATIONS;
  if (seen.version !== observations.version) {
    const { uses, contexts } = parsed(observations.json) as WrittenObservations;
    seen = { version: observations.version, snapshot: { uses: new Map(uses), contexts } };
  }
  return seen.snapshot;
}

/** A decoder takes no shared memory: it is copied once per version. */
const parsed = (json: SharedArrayBuffer): unknown => JSON.parse(new TextDecoder().decode(new Uint8Array(json).slice()));
