import { Field } from './field.js';
import { readByShape } from './kinds/unknown-kind.js';
import { WORKLOAD_KINDS } from './kinds.js';
import type { WorkloadKind } from './kinds/workload-kind.js';
import { ReadingLog } from './reading-log.js';
import type { JsonObject, KindReading, ObjectReference, ObjectsAlongside, Workload } from './workload.js';

/** An entry of `metadata.ownerReferences`, as far as ownership is told by it. */
export interface OwnerReference {
  apiVersion: string;
  kind: string;
}

/** Owners of pods that nobody submitted: those of Deployments' ReplicaSets, of agents on every node, of the node itself. */
const OTHER_OWNERS: readonly string[] = ['apps/ReplicaSet', 'apps/DaemonSet', '/ReplicationController', '/Node'];
/** AppWrappers in Workflows in AppWrappers: more than this nobody means. */
const MAX_WRAPPERS = 8;

/**
 * Reads one submitted object. null: a kind that is not known and holds no pod template. `alongside` holds other objects that the manifest may
 * name (training runtimes, claim templates). Pure and bounded; throws nothing but UnreadableManifest, which carries
 * the JSON path of what is wrong.
 */
export function readWorkload(manifest: JsonObject, alongside?: ObjectsAlongside): Workload | null {
  const log = new ReadingLog(alongside);
  const object = new Field(manifest, '', log);
  const reading = readKind(object, 0);
  return reading === null ? null : assemble(object, reading);
}

/** Whether what this owner controls is skipped: its kind is read as a workload itself, or makes pods of its own accord. */
export function isHandledOwner(owner: OwnerReference): boolean {
  const group = groupOf(owner.apiVersion);
  return kindOf(group, owner.kind) !== null || OTHER_OWNERS.includes(`${group}/${owner.kind}`);
}

/** The kind's own reader, or for a kind that is not known the pod templates in it. */
function readKind(object: Field, depth: number): KindReading | null {
  if (depth > MAX_WRAPPERS) throw object.expected(`at most ${MAX_WRAPPERS} objects wrapped in each other`);
  const apiVersion = object.get('apiVersion').text();
  const kindName = object.get('kind').text();
  if (apiVersion === null || kindName === null) return null;
  const kind = kindOf(groupOf(apiVersion), kindName);
  if (kind === null) return readByShape(object);
  noteVersion(kind, apiVersion, object);
  return kind.read(object, (wrapped) => readKind(wrapped, depth + 1));
}

function kindOf(apiGroup: string, kind: string): WorkloadKind | null {
  return WORKLOAD_KINDS.find((each) => each.apiGroup === apiGroup && each.kind === kind) ?? null;
}

function groupOf(apiVersion: string): string {
  const slash = apiVersion.indexOf('/');
  return slash === -1 ? '' : apiVersion.slice(0, slash);
}

function noteVersion(kind: WorkloadKind, apiVersion: string, object: Field): void {
  const version = apiVersion.slice(apiVersion.indexOf('/') + 1);
  if (kind.versions.includes(version)) return;
  object.log.note(
    `${kind.kind} ${apiVersion} is a version not known here: read as ${kind.versions[0] ?? 'the known one'}`,
  );
}

function assemble(object: Field, reading: KindReading): Workload {
  const { reference, ...identity } = identityIn(object);
  const { notes, unresolved } = object.log;
  return { reference, ...reading, ...identity, unresolved, notes };
}

/** What tells one object from another that asks for the same. */
export type Identity = Pick<Workload, 'reference' | 'annotations' | 'labels' | 'owner'>;

/**
 * Reads of an object what its metadata says of it, as `readWorkload` does. null where there is something to note about
 * it: then the whole object is to be read. Throws UnreadableManifest.
 */
export function readIdentity(manifest: JsonObject): Identity | null {
  const log = new ReadingLog();
  const identity = identityIn(new Field(manifest, '', log));
  return log.notes.length === 0 ? identity : null;
}

function identityIn(object: Field): Identity {
  const metadata = object.get('metadata');
  return {
    reference: referenceOf(object),
    annotations: metadata.get('annotations').textRecord(),
    labels: metadata.get('labels').textRecord(),
    owner: readOwner(metadata),
  };
}

function referenceOf(object: Field): ObjectReference {
  const metadata = object.get('metadata');
  return {
    apiVersion: object.get('apiVersion').text() ?? '',
    kind: object.get('kind').text() ?? '',
    namespace: metadata.get('namespace').text(),
    name: metadata.get('name').text(),
    uid: metadata.get('uid').text(),
  };
}

function readOwner(metadata: Field): Workload['owner'] {
  for (const reference of metadata.get('ownerReferences').items()) {
    const apiVersion = reference.get('apiVersion').text() ?? '';
    const kind = reference.get('kind').text() ?? '';
    const controls = reference.get('controller').flag();
    if (controls && isHandledOwner({ apiVersion, kind })) {
      return { apiVersion, kind, name: reference.get('name').text() ?? '' };
    }
  }
  return null;
}
