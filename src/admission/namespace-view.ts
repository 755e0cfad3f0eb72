import { Inject, Injectable } from '@nestjs/common';
import { CONFIGMAPS_LABEL, MODE_LABEL, modeFrom } from '../advisor/annotations.js';
import type { Mode } from '../advisor/annotations.js';
import type { ConfigMaps } from '../advisor/assessor.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';

type Labels = Readonly<Record<string, string>>;
type Data = Readonly<Record<string, string>>;

/** What admission knows of namespaces, in memory: their modes and the ConfigMaps that may be read. Others keep it current. */
@Injectable()
export class NamespaceView {
  readonly #labels = new Map<string, Labels>();
  readonly #configMaps = new Map<string, Map<string, Data>>();

  constructor(@Inject(SETTINGS) private readonly settings: Pick<SettingValues, 'defaultMode'>) {}

  /** The mode of a namespace; one that is not known (yet) is in the default mode. */
  modeOf(namespace: string | null): Mode {
    const labels = namespace === null ? undefined : this.#labels.get(namespace);
    return modeFrom(labels?.[MODE_LABEL], this.settings.defaultMode);
  }

  /** Those of the named ConfigMaps that are known and may be read. */
  configMaps(namespace: string | null, names: Iterable<string>): ConfigMaps {
    const known = namespace === null ? undefined : this.#configMaps.get(namespace);
    if (!known) return {};
    return Object.fromEntries([...names].flatMap((name) => (known.has(name) ? [[name, known.get(name)!]] : [])));
  }

  mayReadConfigMaps(namespace: string): boolean {
    return this.#labels.get(namespace)?.[CONFIGMAPS_LABEL] === 'true';
  }

  setNamespace(name: string, labels: Labels): void {
    this.#labels.set(name, labels);
    if (!this.mayReadConfigMaps(name)) this.#configMaps.delete(name);
  }

  removeNamespace(name: string): void {
    this.#labels.delete(name);
    this.#configMaps.delete(name);
  }

  /** `data` null: it is gone. Kept only where the namespace allows it. */
  setConfigMap(namespace: string, name: string, data: Data | null): void {
    if (data === null) this.#configMaps.get(namespace)?.delete(name);
    if (data === null || !this.mayReadConfigMaps(namespace)) return;
    const known = this.#configMaps.get(namespace) ?? new Map<string, Data>();
    this.#configMaps.set(namespace, known.set(name, data));
  }
}
