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

/** What a container asks of the device plugin or driver, in one of the forms of docs/requests. */
export interface DeviceRequest {
  /** Resource name as written (`nvidia.com/gpu`, `nvidia.com/mig-3g.40gb`, ...), or the claim's device class. */
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

/** Where the scheduler may put the pods. */
export interface Placement {
  nodeName: string | null;
  nodeSelector: Readonly<Record<string, string>>;
  /** requiredDuringSchedulingIgnoredDuringExecution; null: no such affinity; empty: matches nothing. */
  requiredNodeTerms: readonly NodeTerm[] | null;
  tolerations: readonly Toleration[];
  /** Non-GPU amounts per pod by resource name, as base units (cores, bytes, counts). */
  otherRequests: Readonly<Record<string, number>>;
}

/** A container of a pod template, as far as reading and fitting need it. */
export interface Container {
  name: string;
  /** JSON path of the container in the manifest, such as `spec.template.spec.containers[0]`. */
  path: string;
  init: boolean;
  image: string | null;
  command: readonly string[];
  args: readonly string[];
  workingDir: string | null;
  /** In order; `value` null where it comes from a Secret or another place that cannot be read. */
  env: readonly EnvVariable[];
  mounts: readonly Mount[];
  devices: readonly DeviceRequest[];
}

export interface EnvVariable {
  name: string;
  value: string | null;
  path: string;
  /** Why `value` is null: `secret`, `configmap`, `field`, `resource`. */
  from?: string;
  configMap?: { name: string; key: string };
}

/** A volume as the container sees it. */
export interface Mount {
  mountPath: string;
  subPath: string | null;
  source:
    | { kind: 'configmap'; name: string; items: Readonly<Record<string, string>> | null }
    | { kind: string; name: string };
}

/** Pods made from one template. */
export interface PodSet {
  name: string;
  /** The operator's word: `main`, `master`, `worker`, `launcher`, `chief`, `head`, ... */
  role: string;
  replicas: number;
  /** JSON path of the pod template's spec. */
  path: string;
  containers: readonly Container[];
  /** Devices per pod, summed as Kubernetes does: max(sum of app containers, largest init container). */
  devices: readonly DeviceRequest[];
  placement: Placement;
  annotations: Readonly<Record<string, string>>;
  /** What the operator injects or fixes: processes per node, WORLD_SIZE and the like. */
  launch: LaunchFacts;
}

export interface LaunchFacts {
  /** Processes per pod where the operator says so (`nprocPerNode`, `slotsPerWorker`); null: it does not. */
  processesPerPod: number | 'auto' | null;
  /** Environment that the operator sets in every container (PET_NNODES, WORLD_SIZE, ...). */
  env: Readonly<Record<string, string>>;
}

/** One submitted object of a training kind. */
export interface Workload {
  reference: ObjectReference;
  podSets: readonly PodSet[];
  annotations: Readonly<Record<string, string>>;
  labels: Readonly<Record<string, string>>;
  /** Set where a controller of a handled kind owns the object: it is then skipped. */
  owner: { apiVersion: string; kind: string; name: string } | null;
  suspended: boolean;
  /** `serving` workloads hold GPUs but do not train: said, not assessed. */
  purpose: 'training' | 'serving';
  /** Contradictions and unreadable pieces found on the way, for people. */
  notes: readonly string[];
}

/** Reads one kind. `read` throws UnreadableManifest with the JSON path of what is wrong. */
export interface WorkloadKind {
  apiGroup: string;
  kind: string;
  /** Versions of the group this reader understands. */
  versions: readonly string[];
  /** Plural resource name, for informers and webhook rules. */
  resource: string;
  read(manifest: JsonObject): Workload;
}

/** A manifest that cannot be read: names the field and what was expected there. */
export class UnreadableManifest extends Error {
  constructor(
    readonly path: string,
    readonly expected: string,
  ) {
    super(`${path}: expected ${expected}`);
    this.name = 'UnreadableManifest';
  }
}
