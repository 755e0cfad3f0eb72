import { Global, Module } from '@nestjs/common';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { SHARED_CERTIFICATES } from '../admission/tls/kept-certificates.js';
import type { CertificateStore } from '../admission/tls/kept-certificates.js';
import { EXPORTER_DISCOVERY, NODE_SOURCE } from '../ingest/sources.js';
import { HOLDER_PODS } from '../observe/sources.js';
import { ClusterInventory } from './cluster-inventory.js';
import { Cluster } from './cluster.js';
import { connect, ownNamespace, UnusableKubeconfig } from './connection.js';

/** The cluster that the settings name. Only imported where they name one. */
@Global()
@Module({
  providers: [
    { provide: Cluster, inject: [SETTINGS], useFactory: clusterOf },
    ClusterInventory,
    { provide: SHARED_CERTIFICATES, inject: [Cluster, SETTINGS], useFactory: sharedCertificates },
    { provide: NODE_SOURCE, useExisting: ClusterInventory },
    { provide: EXPORTER_DISCOVERY, useExisting: ClusterInventory },
    { provide: HOLDER_PODS, useExisting: ClusterInventory },
  ],
  exports: [Cluster, SHARED_CERTIFICATES, NODE_SOURCE, EXPORTER_DISCOVERY, HOLDER_PODS],
})
export class ClusterModule {}

function clusterOf({ kubeconfig, kubeContext }: SettingValues): Cluster {
  if (kubeconfig === null)
    throw new UnusableKubeconfig('PLIMSOLL_KUBECONFIG is not set: there is no cluster to connect to.');
  return new Cluster(connect(kubeconfig, kubeContext));
}

/** null where the settings name no Secret. */
function sharedCertificates(cluster: Cluster, { tlsSecret, leaseNamespace }: SettingValues): CertificateStore | null {
  if (tlsSecret === null) return null;
  const namespace = leaseNamespace ?? ownNamespace();
  if (namespace === null) {
    throw new UnusableKubeconfig(
      'PLIMSOLL_TLS_SECRET: outside of a pod set PLIMSOLL_LEASE_NAMESPACE to its namespace.',
    );
  }
  return cluster.certificates({ namespace, name: tlsSecret });
}
