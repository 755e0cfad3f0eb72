import type { Field } from '../field.js';
import { itemPath, memberPath } from '../json-path.js';
import type { Asked, ClaimAsked } from '../requests/request-form.js';
import { FRACTION_CONTAINER } from '../requests/pod-annotations.js';
import { readRequests } from '../requests/request-forms.js';
import type { Container } from '../workload.js';
import { claimReferences } from './claims.js';
import { readEnvSources, readEnvironment } from './environment.js';
import type { ContainerShare } from './pod-devices.js';
import { readAmounts } from './resources.js';
import type { Volumes } from './volumes.js';
import { readMounts, readVolumes } from './volumes.js';

/** A container, and the amounts other than devices that it asks for. */
export interface ReadContainer {
  container: Container;
  role: ContainerShare<unknown>['role'];
  otherAmounts: ReadonlyMap<string, number>;
}

/** What a pod's containers share: read once, used for each. */
interface PodContext {
  volumes: Volumes;
  claims: ReadonlyMap<string, Omit<ClaimAsked, 'request'>>;
  annotations: Asked['annotations'];
  /** Path of the container that annotations ask devices for. */
  annotated: string | null;
}

/** The containers of a pod spec: init containers and sidecars in the order they start, then the others. */
export function readContainers(spec: Field, annotations: Field): ReadContainer[] {
  const app = spec.get('containers').items();
  if (app.length === 0) throw spec.get('containers').expected('a list with at least one container');
  const init = spec.get('initContainers').items();
  if (!spec.log.allowContainers(init.length + app.length)) {
    throw spec.get('containers').expected('fewer containers in one object');
  }
  const context = contextOf(spec, annotations, app);
  return [...init, ...app].map((field, index) => readContainer(field, index < init.length, context));
}

function contextOf(spec: Field, annotations: Field, app: readonly Field[]): PodContext {
  const wanted = annotations.get(FRACTION_CONTAINER).text();
  const annotated = app.find((field) => field.get('name').text() === wanted) ?? app[0];
  return {
    volumes: readVolumes(spec),
    claims: new Map(claimReferences(spec).map((claim) => [claim.name, claim])),
    annotations: new Map(annotations.entries()),
    annotated: annotated?.path ?? null,
  };
}

function readContainer(field: Field, inInit: boolean, context: PodContext): ReadContainer {
  const sidecar = inInit && field.get('restartPolicy').value === 'Always';
  const amounts = readAmounts(field.get('resources'));
  const { devices, others } = readRequests({
    amounts: amounts.extended,
    annotations: field.path === context.annotated ? context.annotations : new Map<string, never>(),
    claims: claimsOf(field, context),
    log: field.log,
  });
  const otherAmounts = new Map([...amounts.native, ...[...others].map(([name, { value }]) => [name, value] as const)]);
  const container: Container = {
    name: field.get('name').text() ?? '',
    path: field.path,
    init: inInit && !sidecar,
    image: field.get('image').text(),
    ...readWords(field),
    workingDir: field.get('workingDir').text(),
    env: readEnvironment(field),
    envFrom: readEnvSources(field),
    mounts: readMounts(field, context.volumes),
    devices,
  };
  return { container, role: inInit ? (sidecar ? 'sidecar' : 'init') : 'app', otherAmounts };
}

/** Command and args, with their paths where an operator took them from elsewhere. */
function readWords(field: Field): Pick<Container, 'command' | 'args' | 'commandPaths' | 'argsPaths'> {
  const [command, args] = [field.get('command'), field.get('args')];
  const [commandPaths, argsPaths] = [pathsElsewhere(field, command, 'command'), pathsElsewhere(field, args, 'args')];
  return {
    command: command.texts(),
    args: args.texts(),
    ...(commandPaths === null ? {} : { commandPaths }),
    ...(argsPaths === null ? {} : { argsPaths }),
  };
}

function pathsElsewhere(container: Field, words: Field, name: string): string[] | null {
  const here = memberPath(container.path, name);
  const paths = words.items().map(({ path }) => path);
  return paths.every((path, index) => path === itemPath(here, index)) ? null : paths;
}

function claimsOf(container: Field, { claims }: PodContext): ClaimAsked[] {
  return container
    .get('resources', 'claims')
    .items()
    .flatMap((entry) => {
      const claim = claims.get(entry.get('name').text() ?? '');
      return claim === undefined ? [] : [{ ...claim, request: entry.get('request').text() }];
    });
}
