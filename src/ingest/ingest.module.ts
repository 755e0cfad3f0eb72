import { Inject, Injectable, Logger, Module, Optional } from '@nestjs/common';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { ScheduleModule, SchedulerRegistry } from '@nestjs/schedule';
import { parse } from 'yaml';
import { AdvisorModule } from '../advisor/advisor.module.js';
import { loadFacts } from '../advisor/facts.js';
import { InventoryHolder } from '../advisor/inventory-holder.js';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { DAY_MS } from '../inventory/device-record.js';
import { readNodePools } from '../inventory/node-pools.js';
import type { NodePool } from '../inventory/node-pools.js';
import { Database } from '../store/database.js';
import { IngestLock } from '../store/ingest-lock.js';
import { InventoryRepository } from '../store/inventory-repository.js';
import { StoreModule } from '../store/store.module.js';
import { Metrics } from '../telemetry/metrics.js';
import { Readiness } from '../telemetry/readiness.js';
import { Collector, COLLECTOR_DEFAULTS } from './collector.js';
import { exporters } from './exporters.js';
import { folder } from './files.js';
import { measureIngest } from './ingest-metrics.js';
import { prometheus } from './prometheus.js';
import { EXPORTER_DISCOVERY, NODE_SOURCE } from './sources.js';
import type { ExporterDiscovery, InventorySource, NodeSource } from './sources.js';

const logger = new Logger('Ingest');
const JOB = 'collect-inventory';
const MAX_SCRAPE_BYTES = 32 * 1024 ** 2;
/** Some 400 bytes a series: 300,000 of them, four for each of 75,000 GPUs. */
const MAX_ANSWER_BYTES = 128 * 1024 ** 2;
/** A range holds 25 bytes a moment besides, each an object of its own when read: shorter stretches are asked for instead. */
const MAX_RANGE_BYTES = 64 * 1024 ** 2;
const HOUR_MS = 3_600_000;
/** Changes of nodes come in bursts: one refresh serves all of this time. */
const REFRESH_AFTER_MS = 500;

/** The sources that the settings name. Adding one is adding its line here. */
function sourcesOf(settings: SettingValues, discovery: ExporterDiscovery | null): readonly InventorySource[] {
  const limits = { timeoutMs: settings.scrapeTimeoutMs, maxBytes: MAX_SCRAPE_BYTES };
  return [
    exporters(settings.dcgmTargets, discovery, limits),
    ...prometheusOf(settings),
    ...(settings.exampleCluster === null ? [] : [folder(settings.exampleCluster)]),
  ];
}

function prometheusOf(settings: SettingValues): readonly InventorySource[] {
  const { prometheusUrl: url, prometheusMatchers: matchers } = settings;
  const { prometheusTokenFile: tokenFile, prometheusPasswordFile: passwordFile } = settings;
  const headers = headersOf(settings.prometheusHeaders);
  const limits = { timeoutMs: settings.scrapeTimeoutMs, maxBytes: MAX_ANSWER_BYTES };
  const range = {
    stepMs: settings.prometheusBackfillStepSeconds * 1000,
    limits: { ...limits, maxBytes: MAX_RANGE_BYTES },
  };
  return url === null ? [] : [prometheus({ url, matchers, tokenFile, passwordFile, headers, limits, range })];
}

const headersOf = (lines: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    lines.map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1).trim()] as const),
  );

/** Throws, naming the setting, where the pools cannot be read: a pool that is not seen turns workloads away. */
function poolsOf({ nodePools }: SettingValues): readonly NodePool[] {
  if (nodePools === null) return [];
  try {
    return readNodePools(parse(nodePools));
  } catch (error) {
    throw new Error(`PLIMSOLL_NODE_POOLS: ${(error as Error).message}`, { cause: error });
  }
}

/** What a collector finds around it: the settings, and a watched cluster where there is one. */
@Injectable()
class Surroundings {
  constructor(
    @Inject(SETTINGS) readonly settings: SettingValues,
    @Optional() @Inject(EXPORTER_DISCOVERY) readonly discovery: ExporterDiscovery | null = null,
    @Optional() @Inject(NODE_SOURCE) readonly nodeSource: NodeSource | null = null,
  ) {}
}

const makeCollector = (
  { settings, discovery, nodeSource }: Surroundings,
  holder: InventoryHolder,
  { repository, lock }: Writing,
): Collector =>
  new Collector(
    {
      sources: sourcesOf(settings, discovery),
      nodeSource,
      holder,
      repository,
      lock,
      gpus: loadFacts().gpus,
      pools: poolsOf(settings),
      now: Date.now,
      log: logger,
    },
    {
      ...COLLECTOR_DEFAULTS,
      foldAfterMs: settings.foldAfterDays * DAY_MS,
      keepMs: settings.keepDays * DAY_MS,
      backfillMs: settings.prometheusBackfillHours * HOUR_MS,
    },
  );

/** Where collections are written, by the one replica that may. */
@Injectable()
class Writing {
  constructor(
    readonly repository: InventoryRepository,
    readonly lock: IngestLock,
  ) {}
}

/** Runs the collector on its schedule, from the start of the process to its end. */
@Injectable()
class IngestSchedule implements OnApplicationBootstrap, BeforeApplicationShutdown {
  #refresh: NodeJS.Timeout | undefined;

  constructor(
    private readonly collector: Collector,
    private readonly scheduler: SchedulerRegistry,
    private readonly database: Database,
    private readonly surroundings: Surroundings,
  ) {}

  /** The first collection is waited for, at most as long as one exporter may take, so that answers begin with it. */
  async onApplicationBootstrap(): Promise<void> {
    this.database.onUp(() => void this.collector.restore().catch(() => undefined));
    this.surroundings.nodeSource?.onChange?.(() => this.refreshSoon());
    const { scrapeIntervalMs, scrapeTimeoutMs } = this.surroundings.settings;
    const first = this.collector.collect();
    await Promise.race([first, new Promise((done) => setTimeout(done, scrapeTimeoutMs).unref())]);
    this.scheduler.addInterval(JOB, setInterval(() => void this.collector.collect(), scrapeIntervalMs).unref());
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearTimeout(this.#refresh);
    if (this.scheduler.doesExist('interval', JOB)) this.scheduler.deleteInterval(JOB);
    await this.collector.close();
  }

  private refreshSoon(): void {
    this.#refresh ??= setTimeout(() => {
      this.#refresh = undefined;
      this.collector.refresh();
    }, REFRESH_AFTER_MS).unref();
  }
}

/** Says how collection goes, in metrics and in readiness: without an inventory there are no verdicts, but answers. */
@Injectable()
class IngestTelemetry {
  constructor(collector: Collector, holder: InventoryHolder, metrics: Metrics, readiness: Readiness) {
    measureIngest(metrics.registry, collector, holder);
    readiness.add('inventory', () =>
      holder.isKnown() ? { status: 'up' } : { status: 'degraded', message: 'no inventory is known yet' },
    );
  }
}

/** Collects the inventory on a schedule. */
@Module({
  imports: [AdvisorModule, StoreModule, ScheduleModule.forRoot()],
  providers: [
    Surroundings,
    Writing,
    { provide: Collector, useFactory: makeCollector, inject: [Surroundings, InventoryHolder, Writing] },
    IngestSchedule,
    IngestTelemetry,
  ],
  exports: [Collector],
})
export class IngestModule {}
