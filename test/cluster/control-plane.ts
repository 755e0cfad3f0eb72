import { mkdtemp } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findAssets } from './assets.mjs';
import { argumentsOf, programOf } from './components.js';
import type { Layout, OptionalComponent, Program } from './components.js';
import { GuardedProcesses } from './guarded-processes.js';
import { runKubectl } from './kubectl.js';
import type { KubectlOptions, KubectlResult } from './kubectl.js';
import { waitUntilAnswering } from './readiness.js';
import { fillStateDirectory } from './state-directory.js';
import type { AdminAccess } from './state-directory.js';

/** What may be chosen; nothing needs to be. */
export interface ControlPlaneOptions {
  /**
   * What runs beside etcd and the API server; controller manager and scheduler where absent. `[]` is enough for admission
   * alone.
   */
  components?: readonly OptionalComponent[];
  apiServerFlags?: readonly string[];
  controllerManagerFlags?: readonly string[];
  /** Keeps state and logs here, for a look at them afterwards; a temporary folder, deleted at the end, where absent. */
  directory?: string;
  /** Time for each step to readiness; 120 s where absent. */
  readyTimeoutMs?: number;
}

/** A running control plane. It ends with `stop`, or with the process that started it. */
export interface ControlPlane {
  /** Path of a kubeconfig with all rights. */
  kubeconfig: string;
  /** `https://127.0.0.1:<port>` */
  server: string;
  /** The authority that signed the API server's certificate. */
  caPem: string;
  /** State, and one `<program>.log` per component. */
  directory: string;
  /** Runs kubectl with all rights. Throws when a component has ended by itself, with the last lines of its log. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<KubectlResult>;
  /** Ends everything at once. May be called more than once. */
  stop(): Promise<void>;
}

/** Everything settled before the first process starts. */
interface Plan {
  assets: string;
  temporary: boolean;
  layout: Layout;
  readyTimeoutMs: number;
}

const portAttempts = 3;

/** Every pod of the namespace needs it; the controller manager makes it. */
const defaultServiceAccount = '/api/v1/namespaces/default/serviceaccounts/default';

/**
 * Starts etcd, kube-apiserver and the chosen components on a free loopback port, and waits until pods can be created.
 * Several may run side by side. Throws when the programs are missing, when a component ends early (with the last
 * lines of its log), and when one is not ready in time.
 */
export async function startControlPlane(options: ControlPlaneOptions = {}): Promise<ControlPlane> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await start(await planFrom(options));
    } catch (error) {
      if (attempt === portAttempts || !isPortTaken(error)) throw error;
    }
  }
}

async function planFrom(options: ControlPlaneOptions): Promise<Plan> {
  const components = options.components ?? ['controller-manager', 'scheduler'];
  const assets = requireAssets(components);
  const layout = {
    directory: options.directory ?? (await mkdtemp(join(tmpdir(), 'plimsoll-'))),
    port: await freePort(),
    components,
    apiServerFlags: options.apiServerFlags ?? [],
    controllerManagerFlags: options.controllerManagerFlags ?? [],
  };
  const temporary = options.directory === undefined;
  return { assets, temporary, layout, readyTimeoutMs: options.readyTimeoutMs ?? 120_000 };
}

function requireAssets(components: readonly OptionalComponent[]): string {
  const needed = ['etcd', 'kube-apiserver', 'kubectl', ...components.map((component) => programOf[component])];
  const assets = findAssets(needed);
  if (assets) return assets;
  throw new Error(
    `${needed.join(', ')} are in neither KUBEBUILDER_ASSETS nor the cache; build them with: node test/cluster/build.mjs`,
  );
}

async function start(plan: Plan): Promise<ControlPlane> {
  const { directory, port } = plan.layout;
  const processes = new GuardedProcesses({ logDirectory: directory, temporary: plan.temporary ? [directory] : [] });
  const waiting = new AbortController();
  try {
    const access = await fillStateDirectory(directory, `https://127.0.0.1:${port}`);
    await orFailure(processes, bringUp(plan, processes, { access, signal: waiting.signal }));
    return controlPlane(plan, processes, access);
  } catch (error) {
    waiting.abort();
    await processes.stop();
    throw error;
  }
}

async function bringUp(
  { assets, layout, readyTimeoutMs: timeoutMs }: Plan,
  processes: GuardedProcesses,
  { access, signal }: { access: AdminAccess; signal: AbortSignal },
): Promise<void> {
  const launch = (program: Program) => processes.start(program, join(assets, program), argumentsOf[program](layout));
  launch('etcd');
  launch('kube-apiserver');
  await waitUntilAnswering(access, '/readyz', { timeoutMs, signal });
  // The others are forbidden everything, and back off, until the API server has made its built-in roles.
  layout.components.forEach((component) => launch(programOf[component]));
  if (!layout.components.includes('controller-manager')) return;
  await waitUntilAnswering(access, defaultServiceAccount, { timeoutMs, signal });
}

function controlPlane({ assets, layout }: Plan, processes: GuardedProcesses, access: AdminAccess): ControlPlane {
  const { directory } = layout;
  const { kubeconfig, server, caPem } = access;
  const target = { program: join(assets, 'kubectl'), kubeconfig, cacheDirectory: join(directory, 'kubectl-cache') };
  return {
    kubeconfig,
    server,
    caPem,
    directory,
    kubectl: (args, options) => orFailure(processes, runKubectl(target, args, options)),
    stop: () => processes.stop(),
  };
}

/** The outcome of `work`, unless a component has ended by itself or does so meanwhile: that explains more. */
async function orFailure<T>(processes: GuardedProcesses, work: Promise<T>): Promise<T> {
  const failed = processes.failed.then((error) => Promise.reject(error));
  return Promise.race([failed, work]);
}

/** Another process may take the port before the API server does; then the next try gets another one. */
function isPortTaken(error: unknown): boolean {
  return error instanceof Error && error.message.includes('address already in use');
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}
