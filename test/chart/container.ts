import type { Manifest } from './helm.js';

export interface EnvironmentEntry {
  name: string;
  value?: string;
  valueFrom?: { secretKeyRef: { name: string; key: string } };
}

export interface Container {
  name: string;
  image: string;
  command?: string[];
  env: EnvironmentEntry[];
  securityContext: object;
  resources: object;
}

export interface PodSpec {
  containers: Container[];
  securityContext: { runAsNonRoot: boolean; seccompProfile: { type: string } };
  automountServiceAccountToken?: boolean;
}

/** The pod that an object is or makes; null where it makes none. */
export function podSpecOf(object: Manifest): PodSpec | null {
  if (object.kind === 'Pod') return object['spec'] as PodSpec;
  const { template } = (object['spec'] ?? {}) as { template?: { spec?: PodSpec } };
  return template?.spec ?? null;
}

/** The environment of the only container of an object's pod. */
export function environmentOf(object: Manifest): EnvironmentEntry[] {
  return podSpecOf(object)?.containers[0]?.env ?? [];
}
