import { Inject, Injectable, Logger, Module, Optional } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { AdvisorModule } from '../advisor/advisor.module.js';
import { loadFacts } from '../advisor/facts.js';
import { InventoryHolder } from '../advisor/inventory-holder.js';
import { Knowledge } from '../advisor/knowledge.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { Collector } from '../ingest/collector.js';
import { IngestModule } from '../ingest/ingest.module.js';
import { DAY_MS } from '../inventory/device-record.js';
import { rulesOf } from '../observation/standing.js';
import { ObservationRepository } from '../store/observation-repository.js';
import { StoreModule } from '../store/store.module.js';
import { Metrics } from '../telemetry/metrics.js';
import { measureObserving } from './observe-metrics.js';
import { RECORDER_DEFAULTS, UseRecorder } from './recorder.js';
import { HOLDER_PODS, POD_ORIGINS } from './sources.js';
import type { HolderPods, PodOrigins } from './sources.js';

const logger = new Logger('Observe');

/** The pods of a watched cluster, where there is one. */
@Injectable()
class Pods {
  constructor(
    @Optional() @Inject(HOLDER_PODS) readonly holders: HolderPods | null = null,
    @Optional() @Inject(POD_ORIGINS) readonly origins: PodOrigins | null = null,
  ) {}
}

function makeRecorder(
  settings: SettingValues,
  { holders, origins }: Pods,
  { observations }: Knowledge,
  { repository, collector }: Recording,
): UseRecorder {
  const { clusterName, observationDays, scrapeIntervalMs } = settings;
  const parts = { pods: holders, origins, holder: observations, repository, gpus: loadFacts().gpus };
  return new UseRecorder(
    { ...parts, isRecording: () => collector.state.role !== 'follower', now: Date.now, log: logger },
    {
      ...RECORDER_DEFAULTS,
      cluster: clusterName,
      rules: rulesOf(settings),
      keepMs: observationDays * DAY_MS,
      everyMs: Math.min(RECORDER_DEFAULTS.everyMs, 2 * scrapeIntervalMs),
    },
  );
}

/** Where it is written, and who may. */
@Injectable()
class Recording {
  constructor(
    readonly repository: ObservationRepository,
    readonly collector: Collector,
  ) {}
}

/** Runs the recorder with every snapshot of the inventory. */
@Injectable()
class ObserveLifecycle implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #stop: () => void = () => undefined;

  constructor(
    private readonly recorder: UseRecorder,
    private readonly inventory: InventoryHolder,
    metrics: Metrics,
  ) {
    measureObserving(metrics.registry, recorder);
  }

  onApplicationBootstrap(): void {
    if (this.inventory.isKnown()) void this.recorder.observe(this.inventory.current());
    this.#stop = this.inventory.onSwap((snapshot) => void this.recorder.observe(snapshot));
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stop();
    await this.recorder.close();
  }
}

/** Records what pods use of their devices, and gives it to later answers. */
@Module({
  imports: [AdvisorModule, StoreModule, IngestModule],
  providers: [
    Pods,
    Recording,
    { provide: UseRecorder, useFactory: makeRecorder, inject: [SETTINGS, Pods, Knowledge, Recording] },
    ObserveLifecycle,
  ],
})
export class ObserveModule {}
