import type { MessagePort } from 'node:worker_threads';
import type { Assessment } from '../fit/assessment.js';
import type { InventorySnapshot } from '../inventory/inventory.js';
import { UnreadableManifest } from '../workload/workload.js';
import type { JsonObject } from '../workload/workload.js';
import { createAdvisor } from './advisor.js';
import { objectsAlongside } from './alongside.js';
import type { Alongside } from './alongside.js';
import { loadFacts } from './facts.js';
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

/** Errors lose their class between threads: the one that is an answer comes as data. */
export type WorkerResult = { assessment: Assessment | null } | { unreadable: { path: string; expected: string } };

/** Whole answers are remembered by the thread that asks. */
const kept = { estimates: 300, assessments: 1 };
const advisor = createAdvisor({ facts: loadFacts(), grammars: await loadGrammars(), kept });

let held: { version: number; snapshot: InventorySnapshot } | null = null;
let seen: { version: number; snapshot: ObservationSnapshot } = { version: 0, snapshot: NO_OBSERVATIONS };

/** Assesses one workload on this worker's thread. */
export function assessInWorker(task: WorkerTask): WorkerResult {
  const { manifest, alongside, nowMs, allAdvice, verdicts } = task;
  const { configMaps } = alongside;
  const onVerdict = (assessment: Assessment) => verdicts.postMessage(assessment);
  const files = { configMap: (name: string) => (Object.hasOwn(configMaps, name) ? configMaps[name] : undefined) };
  const objects = objectsAlongside(alongside.objects);
  try {
    const known = { inventory: snapshotOf(task.inventory), observations: observationsOf(task.observations) };
    return { assessment: advisor.assess({ manifest, files, objects, ...known, nowMs, allAdvice, onVerdict }) };
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
