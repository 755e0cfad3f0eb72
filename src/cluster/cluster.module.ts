import { Global, Module } from '@nestjs/common';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { EXPORTER_DISCOVERY, NODE_SOURCE } from '../ingest/sources.js';
import { ClusterInventory } from './cluster-inventory.js';
import { Cluster } from './cluster.js';
import { connect, UnusableKubeconfig } from './connection.js';

/** The cluster that the settings name. Only imported where they name one. */
@Global()
@Module({
  providers: [
    { provide: Cluster, inject: [SETTINGS], useFactory: clusterOf },
    ClusterInventory,
    { provide: NODE_SOURCE, useExisting: ClusterInventory },
    { provide: EXPORTER_DISCOVERY, useExisting: ClusterInventory },
  ],
  exports: [Cluster, NODE_SOURCE, EXPORTER_DISCOVERY],
})
export class ClusterModule {}

function clusterOf({ kubeconfig, kubeContext }: SettingValues): Cluster {
  if (kubeconfig === null)
    throw new UnusableKubeconfig('PLIMSOLL_KUBECONFIG is not set: there is no cluster to connect to.');
  return new Cluster(connect(kubeconfig, kubeContext));
}
