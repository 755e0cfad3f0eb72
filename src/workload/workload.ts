/** Plain JSON, as it comes out of a manifest or a review. */
export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export interface ObjectReference {
  apiVersion: string;
  kind: string;
  namespace: string | null;
  /** null for an object created with `generateName` that has no name yet. */
  name: string | null;
  uid: string | null;
}

/**
 * A value that another tool fills in before the object is created, or that is no value at all: it stands in the
 * manifest where a number or a name belongs, so that what is said about it here is an assumption.
 */
export interface Unresolved {
  path: string;
  /** As written, at most 200 characters. */
  text: string;
  /**
   * `envsubst` is any `$VAR` or `${VAR}`; `parameter` an Argo one; `placeholder` a word to be replaced by hand;
   * `not-given` the name of an object that was not found alongside.
   */
  kind: 'envsubst' | 'helm' | 'parameter' | 'placeholder' | 'not-given';
  /** Variables or parameters named in it. */
  names: readonly string[];
  /** What was taken instead: `1`, `any node`, ... */
  assumed: string;
}

/** Other objects known beside the manifest (training runtimes, claim templates). Plain look-ups in memory. */
export interface ObjectsAlongside {
  object(kind: string, name: string): JsonObject | undefined;
}

/** What a container asks of the device plugin or driver, in one of the forms of src/workload/requests. */
export interface DeviceRequest {
  /**
   * Resource name as written (`nvidia.com/gpu`, `nvidia.com/mig-3g.40gb`, ...), or the claim's device class; the assumed
   * name where the name itself is filled in by another tool.
   */
  resource: string;
  form: 'device' | 'mig' | 'shared' | 'memory' | 'fraction' | 'claim';
  vendor: 'nvidia' | 'amd' | 'intel' | 'habana';
  /** Devices (or instances, or replicas) per pod. */
  count: number;
  migProfile?: string;
  /** Bytes per device asked for by fractional forms; null: the whole device. */
  memoryBytes: number | null;
  /** Share of a device, 0 to 1, for fractional forms. */
  fraction?: number;
  /** JSON paths at which the count is written (limits, requests); a change of it must change them all. */
  places: readonly string[];
  /** Present where the count or even the resource name is filled in by another tool: `count` is then assumed. */
  unresolved?: Unresolved;
  /** Name of the pod's claim: containers that name the same claim share its devices. */
  claim?: string;
  /** Name of the request within the claim. */
  claimRequest?: string;
  /** CEL selectors of a claim's request, as written. */
  selectors?: readonly string[];
}

export interface Toleration {
  key?: string;
  operator?: 'Exists' | 'Equal' | 'Lt' | 'Gt';
  value?: string;
  effect?: string;
}

export interface NodeRequirement {
  key: string;
  operator: 'In' | 'NotIn' | 'Exists' | 'DoesNotExist' | 'Gt' | 'Lt';
  values: readonly string[];
}

/** Terms are alternatives; within a term, label and field requirements must all hold. */
export interface NodeTerm {
  labels: readonly NodeRequirement[];
  fields: readonly NodeRequirement[];
}

/** Devices of one class that would do for a request of a claim. */
export interface ClaimAlternative {
  /** null where the request has but one. */
  name: string | null;
  deviceClass: string;
  /** CEL, as written. */
  selectors: readonly string[];
  /** `all`: every device of the node that the selectors match. */
  count: number | 'all';
  tolerations: readonly Toleration[];
  /** Least amounts that a device must have, in base units by name. */
  capacity: Readonly<Record<string, number>>;
  /** Takes devices that others hold: for monitoring, not for work. */
  adminAccess: boolean;
}

export interface ClaimRequest {
  name: string;
  /** One of them is taken, the first that there is room for. */
  alternatives: readonly ClaimAlternative[];
}

/** What must be equal (or must differ) among the devices of some requests; of all of them where none is named. */
export interface ClaimConstraint {
  kind: 'match' | 'distinct';
  /** With its domain, such as `resource.kubernetes.io/pcieRoot`. */
  attribute: string;
  requests: readonly string[];
}

/** A claim of a pod (dynamic resource allocation): the scheduler finds devices for all its requests, or the pod waits. */
export interface PodClaim {
  /** Name that the pod gives it. */
  name: string;
  objectName: string;
  /** Whether the claim or its template was given alongside. */
  isKnown: boolean;
  /** A ResourceClaim by its name: all pods that name it share its devices. */
  isShared: boolean;
  requests: readonly ClaimRequest[];
  constraints: readonly ClaimConstraint[];
}

/** Pods of a group run on nodes that share the value of a label: a rack, a zone. Pods that keep apart are groups of one. */
export interface TopologyRule {
  /** Label of nodes, such as `topology.kubernetes.io/rack`. */
  key: string;
  podsPerGroup: number;
  /** Whether nodes of one value take one group only. */
  exclusive: boolean;
  /** Whether a group is placed whole or not at all. */
  atOnce: boolean;
}

/** Where the scheduler may put the pods. */
export interface Placement {
  nodeName: string | null;
  nodeSelector: Readonly<Record<string, string>>;
  /** requiredDuringSchedulingIgnoredDuringExecution; null: no such affinity; empty: matches nothing. */
  requiredNodeTerms: readonly NodeTerm[] | null;
  tolerations: readonly Toleration[];
  /** Non-GPU amounts per pod by resource name, as base units (cores, bytes, counts). */
  otherRequests: Readonly<Record<string, number>>;
  /** Claims that must be given devices before a pod runs; left out where there are none. */
  claims?: readonly PodClaim[];
  /** Left out where nothing ties the pods to each other. */
  topology?: readonly TopologyRule[];
}

/** A container of a pod template, as far as reading and fitting need it. */
export interface Container {
  name: string;
  /** JSON path of the container in the manifest, such as `spec.template.spec.containers[0]`. */
  path: string;
  /** An init container that ends before the others start; a sidecar is not one. */
  init: boolean;
  image: string | null;
  command: readonly string[];
  args: readonly string[];
  /** Where each word of `command` and `args` stands, where that is not `<path>.command[i]` and `<path>.args[i]`. */
  commandPaths?: readonly string[];
  argsPaths?: readonly string[];
  workingDir: string | null;
  /** In order; `value` null where it comes from a Secret or another place that cannot be read. */
  env: readonly EnvVariable[];
  /** Whole ConfigMaps and Secrets taken as environment; entries of `env` win over them, later ones over earlier. */
  envFrom: readonly EnvSource[];
  mounts: readonly Mount[];
  devices: readonly DeviceRequest[];
}

export interface EnvVariable {
  name: string;
  value: string | null;
  /** Of the value itself where there is one (`<container>.env[2].value`), else of the entry. */
  path: string;
  /** Why `value` is null. */
  from?: 'secret' | 'configmap' | 'field' | 'resource' | 'file' | 'unresolved';
  configMap?: { name: string; key: string };
}

export interface EnvSource {
  kind: 'configmap' | 'secret';
  name: string;
  prefix: string;
  path: string;
}

/** A volume as the container sees it. A projected volume gives one mount per source. */
export interface Mount {
  /** `items` maps keys of the ConfigMap to file paths below the mount; null: every key is a file of its name. */
  mountPath: string;
  subPath: string | null;
  source:
    | { kind: 'configmap'; name: string; items: Readonly<Record<string, string>> | null }
    | { kind: 'secret' | 'pvc' | 'emptydir' | 'hostpath' | 'image' | 'other'; name: string };
}

/** Pods made from one template. */
export interface PodSet {
  name: string;
  /** The operator's word: `main`, `master`, `worker`, `launcher`, `chief`, `head`, ... */
  role: string;
  replicas: number;
  /** What of the count is filled in by another tool; `replicas` is an assumption where this is not empty. */
  replicasUnresolved: readonly Unresolved[];
  /** JSON path of the pod template's spec; of the object that stands for it where the kind has no template. */
  path: string;
  containers: readonly Container[];
  /** Devices per pod, summed as Kubernetes does: max(sum of app containers, largest init container). */
  devices: readonly DeviceRequest[];
  placement: Placement;
  annotations: Readonly<Record<string, string>>;
  /** What the operator injects or fixes: processes per node, WORLD_SIZE and the like. */
  launch: LaunchFacts;
}

/** Something that the object says about the training outside of any container, in the kind's own words. */
export interface Statement {
  /** `model`, `dataset`, `method`, `preset`, `pip`, `rayStartParams.num-gpus`, ... */
  name: string;
  value: string;
  path: string;
}

export interface LaunchFacts {
  /** Processes per pod where the operator says so (`nprocPerNode`, `slotsPerWorker`); null: it does not. */
  processesPerPod: number | 'auto' | null;
  /** Pods that join in one distributed run, over all pod sets that take part; null: the operator does not join them. */
  nodes: number | null;
  /** What of `nodes` is filled in by another tool; it is an assumption where this is not empty. */
  nodesUnresolved: readonly Unresolved[];
  /**
   * The number that the operator hands to the processes as WORLD_SIZE, by its own rule. It may count pods, not ranks:
   * to be used for `$(WORLD_SIZE)` and `$WORLD_SIZE` only. null: it sets none, or one that cannot be known.
   */
  worldSize: number | null;
  /** Environment that the operator sets in every container (PET_NNODES, WORLD_SIZE, ...). */
  env: Readonly<Record<string, string>>;
  /** The pod set whose command starts the processes in these pods (MPI launcher, Ray submitter); null: their own. */
  startedBy: string | null;
  statements: readonly Statement[];
}

/** One submitted object of a training kind. */
export interface Workload {
  reference: ObjectReference;
  podSets: readonly PodSet[];
  /** Pods that must run at the same time for the training to start; null: each pod runs by itself. */
  gangSize: number | null;
  annotations: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  /** Set where a controller of a handled kind owns the object: it is then skipped. */
  owner: { apiVersion: string; kind: string; name: string } | null;
  suspended: boolean;
  /** `serving` workloads hold GPUs but do not train: said, not assessed. */
  purpose: 'training' | 'serving';
  /** Everything that another tool fills in, wherever it bears on counts, requests or placement. */
  unresolved: readonly Unresolved[];
  /** Contradictions and unreadable pieces found on the way, for people. */
  notes: readonly string[];
}

/** What a kind's reader says of an object; the rest of a Workload is the same for every kind. */
export interface KindReading {
  podSets: readonly PodSet[];
  gangSize: number | null;
  suspended: boolean;
  purpose: 'training' | 'serving';
}

/** Names one kind, for look-up, informers and webhook rules. Its reader stands beside it in the table of kinds. */
export interface WorkloadKindName {
  apiGroup: string;
  kind: string;
  /** Versions of the group this reader understands, the preferred one first. */
  versions: readonly string[];
  /** Plural resource name, for informers and webhook rules. */
  resource: string;
}

/** A manifest that cannot be read: names the field and what was expected there. */
export class UnreadableManifest extends Error {
  constructor(
    readonly path: string,
    readonly expected: string,
  ) {
    super(`${path === '' ? 'manifest' : path}: expected ${expected}`);
    this.name = 'UnreadableManifest';
  }
}

/** JSON path of a word of a container's command or args, for evidence and patches. */
export function wordPath(container: Container, list: 'command' | 'args', index: number): string {
  const paths = list === 'command' ? container.commandPaths : container.argsPaths;
  return paths?.[index] ?? `${container.path}.${list}[${index}]`;
}
