import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { createGrammars } from '../../src/launch/grammars.js';
import type { Grammars } from '../../src/launch/grammars.js';
import { readRuns } from '../../src/launch/read-runs.js';
import type { RunReading } from '../../src/launch/reading.js';
import { settingAt } from '../../src/run/fields.js';
import type { Setting } from '../../src/run/setting.js';
import type { RunField } from '../../src/run/training-run.js';
import { readWorkload } from '../../src/workload/read-workload.js';
import type { JsonObject } from '../../src/workload/workload.js';

const bytes = (name: string): Uint8Array => new Uint8Array(readFileSync(`node_modules/${name}`));

/** The grammars from the installed packages. */
export function installedGrammars(): Promise<Grammars> {
  return createGrammars({
    runtime: bytes('web-tree-sitter/web-tree-sitter.wasm'),
    bash: bytes('tree-sitter-bash/tree-sitter-bash.wasm'),
    python: bytes('tree-sitter-python/tree-sitter-python.wasm'),
  });
}

export type ConfigMapData = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Reads every pod set with GPUs of a manifest. */
export function readManifest(manifest: JsonObject, grammars: Grammars, configMaps: ConfigMapData = {}): RunReading[] {
  const workload = readWorkload(manifest);
  if (workload === null) throw new Error('the manifest is no workload');
  return readRuns(workload, { configMap: (name) => configMaps[name] }, grammars);
}

/** What a Job's container holds beside its name. */
export interface JobContainer {
  image?: string;
  command?: readonly string[];
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
  gpus?: number;
  configMap?: { name: string; mountPath: string };
  annotations?: Readonly<Record<string, string>>;
}

/** A Job with one container. */
export function job({
  image,
  command,
  args,
  env = {},
  gpus = 1,
  configMap,
  annotations = {},
}: JobContainer): JsonObject {
  const volume: JsonObject = configMap ? { volumes: [{ name: 'files', configMap: { name: configMap.name } }] } : {};
  const mount: JsonObject = configMap ? { volumeMounts: [{ name: 'files', mountPath: configMap.mountPath }] } : {};
  const container: JsonObject = {
    name: 'train',
    ...(image ? { image } : {}),
    ...(command ? { command: [...command] } : {}),
    ...(args ? { args: [...args] } : {}),
    env: Object.entries(env).map(([name, value]) => ({ name, value })),
    resources: { limits: { 'nvidia.com/gpu': gpus } },
    ...mount,
  };
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'train', annotations: { ...annotations } },
    spec: { template: { spec: { containers: [container], ...volume } } },
  };
}

/** A Job whose container runs a shell script. */
export const scriptJob = (script: string, over: Omit<JobContainer, 'command'> = {}): JsonObject =>
  job({ command: ['bash', '-c', script], ...over });

/** A manifest from YAML text. */
export const manifest = (yaml: string): JsonObject => parse(yaml) as JsonObject;

/** Settings of a run by field path. */
export function settings(reading: RunReading | undefined, ...fields: readonly RunField[]): Record<string, unknown> {
  return Object.fromEntries(fields.map((field) => [field, setting(reading, field).value]));
}

/** One setting of a reading that has a run. */
export function setting(reading: RunReading | undefined, field: RunField): Setting<unknown> {
  if (!reading?.run) throw new Error(`no run was read: ${JSON.stringify(reading)}`);
  return settingAt(reading.run, field);
}
