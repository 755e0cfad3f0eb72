import { join } from 'node:path';
import { STAGES_FILE } from './fake-kubelets.js';

/** What can run beside etcd and the API server. The fake kubelets run the pods of every node, without running anything. */
export type OptionalComponent = 'scheduler' | 'controller-manager' | 'fake-kubelets';

/** File names of the programs, as in KUBEBUILDER_ASSETS. */
export type Program = 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler' | 'kwok';

/** What the command lines are made from: the state folder, the API server's port and what the caller adds. */
export interface Layout {
  directory: string;
  port: number;
  components: readonly OptionalComponent[];
  apiServerFlags: readonly string[];
  controllerManagerFlags: readonly string[];
}

/** The program of each optional component. */
export const programOf: Record<OptionalComponent, Program> = {
  scheduler: 'kube-scheduler',
  'controller-manager': 'kube-controller-manager',
  'fake-kubelets': 'kwok',
};

/** The command line of each program, without the program itself. */
export const argumentsOf: Record<Program, (layout: Layout) => string[]> = {
  etcd: etcdArguments,
  'kube-apiserver': apiServerArguments,
  'kube-controller-manager': controllerManagerArguments,
  'kube-scheduler': schedulerArguments,
  kwok: fakeKubeletArguments,
};

/** The clients talk at most a few hundred objects at once, with nobody else to be fair to. */
const clientLimits = ['--kube-api-qps=500', '--kube-api-burst=1000'];

/** etcd listens on sockets in the state folder: no port that anything else could take. */
function etcdArguments({ directory }: Layout): string[] {
  const clients = `unix://${join(directory, 'etcd.sock')}`;
  const peers = `unix://${join(directory, 'peer.sock')}`;
  return [
    '--name=etcd',
    `--data-dir=${join(directory, 'etcd')}`,
    '--unsafe-no-fsync',
    '--log-level=warn',
    `--listen-client-urls=${clients}`,
    `--advertise-client-urls=${clients}`,
    `--listen-peer-urls=${peers}`,
    `--initial-advertise-peer-urls=${peers}`,
    `--initial-cluster=etcd=${peers}`,
  ];
}

function apiServerArguments({ directory, port, components, apiServerFlags }: Layout): string[] {
  return [
    `--etcd-servers=unix://${join(directory, 'etcd.sock')}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--secure-port=${port}`,
    '--endpoint-reconciler-type=none', // Endpoints may not hold a loopback address
    '--service-cluster-ip-range=10.0.0.0/24',
    `--tls-cert-file=${join(directory, 'apiserver.crt')}`,
    `--tls-private-key-file=${join(directory, 'apiserver.key')}`,
    `--client-ca-file=${join(directory, 'ca.crt')}`,
    '--service-account-issuer=https://kubernetes.default.svc',
    `--service-account-key-file=${join(directory, 'service-account.pub')}`,
    `--service-account-signing-key-file=${join(directory, 'service-account.key')}`,
    '--authorization-mode=Node,RBAC',
    '--allow-privileged',
    '--enable-priority-and-fairness=false',
    '--profiling=false',
    `--disable-admission-plugins=${disabledAdmission(components).join(',')}`,
    ...apiServerFlags,
  ];
}

/**
 * TaintNodesByCondition gives each new node a not-ready taint that only the switched-off node lifecycle
 * controller takes away. ServiceAccount refuses pods until the controller manager has made the default account.
 */
function disabledAdmission(components: readonly OptionalComponent[]): string[] {
  const always = ['TaintNodesByCondition'];
  return components.includes('controller-manager') ? always : [...always, 'ServiceAccount'];
}

/** Without the node lifecycle controller a node with no kubelet stays as Ready as it was created. */
function controllerManagerArguments({ directory, controllerManagerFlags }: Layout): string[] {
  return [
    `--kubeconfig=${join(directory, 'controller-manager.kubeconfig')}`,
    '--use-service-account-credentials', // its own identity may do little more than mint these
    `--service-account-private-key-file=${join(directory, 'service-account.key')}`,
    `--root-ca-file=${join(directory, 'ca.crt')}`,
    '--controllers=*,-node-lifecycle-controller',
    '--secure-port=0',
    '--leader-elect=false',
    '--profiling=false',
    ...clientLimits,
    ...controllerManagerFlags,
  ];
}

function schedulerArguments({ directory }: Layout): string[] {
  return [
    `--kubeconfig=${join(directory, 'scheduler.kubeconfig')}`,
    '--secure-port=0',
    '--leader-elect=false',
    '--profiling=false',
    ...clientLimits,
  ];
}

/** Nobody looks at the leases of nodes, as the node lifecycle controller is off. */
function fakeKubeletArguments({ directory }: Layout): string[] {
  return [
    `--kubeconfig=${join(directory, 'admin.kubeconfig')}`,
    '--manage-all-nodes',
    '--node-lease-duration-seconds=0',
    `--config=${join(directory, STAGES_FILE)}`,
  ];
}
