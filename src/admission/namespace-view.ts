import { Inject, Injectable } from '@nestjs/common';
import type { Surroundings } from '../advisor/alongside.js';
import { CONFIGMAPS_LABEL, MODE_LABEL, modeFrom } from '../advisor/annotations.js';
import type { Mode } from '../advisor/annotations.js';
import type { Rejectable } from '../advisor/answers.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import type { JsonObject } from '../workload/workload.js';

type Labels = Readonly<Record<string, string>>;
type Data = Readonly<Record<string, string>>;

/**
 * What admission knows of namespaces, in memory: their modes, the ConfigMaps that may be read, other objects that
 * workloads name, and which workloads there are. Others keep it current.
 */
@Injectable()
export class NamespaceView implements Surroundings {
  readonly #labels = new Map<string, Labels>();
  readonly #configMaps = new Map<string, Map<string, Data>>();
  /** By namespace (empty: objects of the cluster), kind and name. */
  readonly #objects = new Map<string, JsonObject>();
  readonly #owners = new Set<string>();
  #revision = 0;

  constructor(@Inject(SETTINGS) private readonly settings: Pick<SettingValues, 'defaultMode' | 'reject'>) {}

  /** Another number whenever anything changed that an answer may rest on; owners aside. */
  get revision(): number {
    return this.#revision;
  }

  /** The mode of a namespace; one that is not known (yet) is in the default mode. */
  modeOf(namespace: string | null): Mode {
    const labels = namespace === null ? undefined : this.#labels.get(namespace);
    return modeFrom(labels?.[MODE_LABEL], this.settings.defaultMode);
  }

  /** The verdicts for which a namespace turns workloads away; none where it does not enforce. */
  rejectedIn(namespace: string | null): readonly Rejectable[] {
    return this.modeOf(namespace) === 'enforce' ? this.settings.reject : [];
  }

  /** A ConfigMap that is known and may be read. */
  configMap(namespace: string | null, name: string): Data | undefined {
    return namespace === null ? undefined : this.#configMaps.get(namespace)?.get(name);
  }

  /** An object of the namespace, or of the cluster, that workloads may name. */
  object(namespace: string | null, kind: string, name: string): JsonObject | undefined {
    return this.#objects.get(keyOf(namespace, kind, name)) ?? this.#objects.get(keyOf(null, kind, name));
  }

  /** Whether there is a workload of this name, so that another object can be its child. */
  isOwner(namespace: string | null, kind: string, name: string): boolean {
    return this.#owners.has(keyOf(namespace, kind, name));
  }

  mayReadConfigMaps(namespace: string): boolean {
    return this.#labels.get(namespace)?.[CONFIGMAPS_LABEL] === 'true';
  }

  setNamespace(name: string, labels: Labels): void {
    this.#revision += 1;
    this.#labels.set(name, labels);
    if (!this.mayReadConfigMaps(name)) this.#configMaps.delete(name);
  }

  removeNamespace(name: string): void {
    this.#revision += 1;
    this.#labels.delete(name);
    this.#configMaps.delete(name);
  }

  /** `data` null: it is gone. Kept only where the namespace allows it. */
  setConfigMap(namespace: string, name: string, data: Data | null): void {
    this.#revision += 1;
    if (data === null) this.#configMaps.get(namespace)?.delete(name);
    if (data === null || !this.mayReadConfigMaps(namespace)) return;
    const known = this.#configMaps.get(namespace) ?? new Map<string, Data>();
    this.#configMaps.set(namespace, known.set(name, data));
  }

  /** `object` null: it is gone. `namespace` null: an object of the cluster. */
  setObject(namespace: string | null, kind: string, name: string, object: JsonObject | null): void {
    this.#revision += 1;
    if (object === null) this.#objects.delete(keyOf(namespace, kind, name));
    else this.#objects.set(keyOf(namespace, kind, name), object);
  }

  setOwner(namespace: string | null, kind: string, name: string, isThere: boolean): void {
    if (isThere) this.#owners.add(keyOf(namespace, kind, name));
    else this.#owners.delete(keyOf(namespace, kind, name));
  }
}

const keyOf = (namespace: string | null, kind: string, name: string) => `${namespace ?? ''}/${kind}/${name}`;
