import { execFile } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import { findAssets } from '../cluster/assets.mjs';

/** What helm said and how it ended. */
export interface HelmResult {
  code: number;
  stdout: string;
  stderr: string;
}

/** An object of Kubernetes, as far as these tests look at one. */
export interface Manifest {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels: Record<string, string>; annotations?: Record<string, string> };
  [field: string]: unknown;
}

export const chartFolder = fileURLToPath(new URL('../../charts/plimsoll', import.meta.url));

/** Value sets of charts/plimsoll/ci. */
export const valueSets = ['try-out', 'production', 'existing-secret', 'self-managed'] as const;
export type ValueSet = (typeof valueSets)[number];

export const valuesOf = (set: ValueSet): string[] => ['--values', join(chartFolder, 'ci', `${set}-values.yaml`)];

/** Runs helm with nothing of the person's own settings. */
export function helm(args: readonly string[], kubeconfig = '/nowhere'): Promise<HelmResult> {
  const home = join(tmpdir(), 'plimsoll-helm');
  const env = {
    HOME: home,
    HELM_CACHE_HOME: home,
    HELM_CONFIG_HOME: home,
    HELM_DATA_HOME: home,
    KUBECONFIG: kubeconfig,
  };
  const options = { env, maxBuffer: 64 * 1024 * 1024 };
  return new Promise((resolve) => {
    execFile(program(), [...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? 1), stdout, stderr });
    });
  });
}

/** The objects that the chart gives for these arguments of helm template. Throws with what helm says. */
export async function render(...args: string[]): Promise<Manifest[]> {
  const { code, stdout, stderr } = await helm(['template', 'plimsoll', chartFolder, '--namespace=gpu-tools', ...args]);
  if (code !== 0) throw new Error(stderr);
  return manifestsIn(stdout);
}

/** Why helm does not render these arguments. */
export async function refusal(...args: string[]): Promise<string> {
  return render(...args).then(
    () => 'not refused',
    (error: Error) => error.message,
  );
}

export function manifestsIn(text: string): Manifest[] {
  return parseAllDocuments(text)
    .map((document) => {
      if (document.errors[0] !== undefined) throw document.errors[0];
      return document.toJS() as Manifest | null;
    })
    .filter((object) => object !== null);
}

/** The one object of a kind, or of a kind and name. */
export function one(objects: readonly Manifest[], kind: string, name?: string): Manifest {
  const found = objects.filter(
    (object) => object.kind === kind && (name ?? object.metadata.name) === object.metadata.name,
  );
  if (found.length !== 1) throw new Error(`${found.length} objects are ${kind} ${name ?? ''}`);
  return found[0]!;
}

function program(): string {
  const assets = findAssets(['helm']);
  if (assets === undefined) throw new Error('helm is missing; build it with: node test/cluster/build.mjs');
  return join(assets, 'helm');
}
