import { hash } from 'node:crypto';
import type { FilesAlongside } from '../launch/reading.js';
import { runFingerprint } from '../run/fingerprint.js';
import type { TrainingRun } from '../run/training-run.js';
import type { ObjectsAlongside, Workload } from '../workload/workload.js';
import type { Assessment } from '../fit/assessment.js';

const ID_LENGTH = 20;
const FINGERPRINT_LENGTH = 32;

/** SHA-256 over the JSON of a value, as hexadecimal digits. */
export function hashOf(value: unknown): string {
  return hash('sha256', JSON.stringify(value), 'hex');
}

type Answered = Pick<Assessment, 'workload' | 'runs' | 'fit' | 'verdict'>;

/**
 * Identity of an assessment: what was read, and what it was held against as far as it decided. Samples that come and go
 * without changing the answer, and the uid that an object only gets on creation, leave it as it is.
 */
export function assessmentId(answered: Answered): string {
  const { apiVersion, kind, namespace, name, podSets } = answered.workload;
  const named = JSON.stringify({ apiVersion, kind, namespace, name });
  const rest = `,"podSets":${podSetsText(podSets)},"decided":"${hashOfDecided(answered)}"}`;
  return hash('sha256', named.slice(0, -1) + rest, 'hex').slice(0, ID_LENGTH);
}

/** JSON of pod sets that are given to objects of several names: written once. */
const podSetsTexts = new WeakMap<Answered['workload']['podSets'], string>();

function podSetsText(podSets: Answered['workload']['podSets']): string {
  const known = podSetsTexts.get(podSets);
  if (known !== undefined) return known;
  const text = JSON.stringify(podSets);
  podSetsTexts.set(podSets, text);
  return text;
}

/** Of each answer, so that giving it to objects of other names costs no second look at all of its evidence. */
const hashes = new WeakMap<Assessment['fit'], string>();

function hashOfDecided({ runs, fit, verdict }: Answered): string {
  const known = hashes.get(fit);
  if (known !== undefined) return known;
  const decided = fit.map(({ classes, ...rest }) => ({
    ...rest,
    classes: classes.map(({ podsNow: _now, occupants: _who, oldestSampleMs: _age, ...lasting }) => lasting),
  }));
  const hash = hashOf({ runs, decided, verdict });
  hashes.set(fit, hash);
  return hash;
}

/** Names all that the pods of one pod set train; null where not all of it was read. */
export function fingerprintOf(runs: readonly { role: string; run: TrainingRun | null }[]): string | null {
  const settings = runs.map(({ role, run }) => (run === null ? null : [role, runFingerprint(run)]));
  return settings.length === 0 || settings.includes(null) ? null : hashOf(settings).slice(0, FINGERPRINT_LENGTH);
}

/** Names how the pods of a workload are started, with what stands beside it: images, commands, arguments, environment. */
export function launchOf({ podSets }: Pick<Workload, 'podSets'>, alongsideHash: string): string {
  const started = podSets.map(({ containers, launch }) => [
    containers.map(({ image, command, args, env }) => [
      image,
      command,
      args,
      env.map(({ name, value }) => [name, value]),
    ]),
    launch.statements.map(({ name, value }) => [name, value]),
  ]);
  return hashOf([started, alongsideHash]).slice(0, FINGERPRINT_LENGTH);
}

/** Look-ups alongside a manifest, with what was asked of them: part of what an answer depends on. */
export interface Recorded {
  files: FilesAlongside;
  objects: ObjectsAlongside;
  /** What was asked so far, in order. */
  asked: () => readonly Lookup[];
}

export type Lookup = { of: 'configmap'; name: string } | { of: 'object'; kind: string; name: string };

/** Wraps look-ups so that it is known afterwards which ones were made. */
export function recorded(files: FilesAlongside, objects: ObjectsAlongside): Recorded {
  const lookups = new Map<string, Lookup>();
  const note = (lookup: Lookup): void => void lookups.set(JSON.stringify(lookup), lookup);
  return {
    files: {
      configMap: (name) => {
        note({ of: 'configmap', name });
        return files.configMap(name);
      },
      ...(files.file === undefined ? {} : { file: files.file.bind(files) }),
    },
    objects: {
      object: (kind, name) => {
        note({ of: 'object', kind, name });
        return objects.object(kind, name);
      },
    },
    asked: () => [...lookups.values()],
  };
}

/** What the look-ups give now, as a hash. */
export function foundAlongside(asked: readonly Lookup[], files: FilesAlongside, objects: ObjectsAlongside): string {
  const found = asked.map((lookup) =>
    lookup.of === 'configmap' ? files.configMap(lookup.name) : objects.object(lookup.kind, lookup.name),
  );
  return hashOf(found.map((each) => each ?? null));
}
