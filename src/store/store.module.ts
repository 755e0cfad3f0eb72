import { Inject, Injectable, Logger, Module } from '@nestjs/common';
import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';
import { SETTINGS } from '../config/settings.module.js';
import type { SettingValues } from '../config/settings.js';
import { Metrics } from '../telemetry/metrics.js';
import { Readiness } from '../telemetry/readiness.js';
import { AssessmentRepository } from './assessment-repository.js';
import { AssessmentSummaries } from './assessment-summaries.js';
import { AssessmentWriter } from './assessment-writer.js';
import { Database } from './database.js';
import { startEmbeddedPostgres } from './embedded-postgres.js';
import type { EmbeddedPostgres } from './embedded-postgres.js';
import { IngestLock } from './ingest-lock.js';
import { InventoryRepository } from './inventory-repository.js';
import { ObservationRepository } from './observation-repository.js';
import { measureStore } from './store-metrics.js';

const EMBEDDED = Symbol('embedded postgres');
const logger = new Logger('Store');

/** Connects when the process starts and closes when it ends, after everything that still writes. */
@Injectable()
class StoreLifecycle implements OnModuleInit, OnApplicationShutdown {
  constructor(
    private readonly database: Database,
    private readonly writer: AssessmentWriter,
    private readonly lock: IngestLock,
    @Inject(EMBEDDED) private readonly embedded: EmbeddedPostgres | null,
  ) {}

  /** A server of our own is up and is waited for; one elsewhere may be away, and the service starts all the same. */
  async onModuleInit(): Promise<void> {
    const connecting = this.database.connect();
    if (this.embedded !== null) await connecting;
  }

  async onApplicationShutdown(): Promise<void> {
    await this.writer.flush();
    await this.lock.release();
    await this.database.close();
    await this.embedded?.stop();
  }
}

const startEmbedded = (settings: SettingValues): Promise<EmbeddedPostgres> | null =>
  settings.databaseUrl === null
    ? startEmbeddedPostgres({ dataFolder: settings.dataFolder, say: (text) => logger.log(text) })
    : null;

const makeDatabase = (settings: SettingValues, embedded: EmbeddedPostgres | null): Database =>
  new Database(settings.databaseUrl ?? embedded?.url ?? '', logger);

/** Says how the database is, in metrics and in readiness; without it the service still answers from memory. */
@Injectable()
class StoreTelemetry {
  constructor(database: Database, writer: AssessmentWriter, metrics: Metrics, readiness: Readiness) {
    measureStore(metrics.registry, database, writer);
    readiness.add('database', () =>
      database.problem === null
        ? { status: 'up' }
        : { status: 'degraded', message: `${database.problem}; answers come from memory` },
    );
  }
}

/** The database: embedded where no DATABASE_URL is set. Everything that asks or writes it goes through these. */
@Module({
  providers: [
    { provide: EMBEDDED, useFactory: startEmbedded, inject: [SETTINGS] },
    { provide: Database, useFactory: makeDatabase, inject: [SETTINGS, EMBEDDED] },
    {
      provide: InventoryRepository,
      useFactory: (database: Database) => new InventoryRepository(database),
      inject: [Database],
    },
    {
      provide: AssessmentRepository,
      useFactory: (database: Database) => new AssessmentRepository(database),
      inject: [Database],
    },
    {
      provide: AssessmentWriter,
      useFactory: (repository: AssessmentRepository, database: Database) => new AssessmentWriter(repository, database),
      inject: [AssessmentRepository, Database],
    },
    {
      provide: AssessmentSummaries,
      useFactory: (database: Database) => new AssessmentSummaries(database),
      inject: [Database],
    },
    {
      provide: ObservationRepository,
      useFactory: (database: Database) => new ObservationRepository(database),
      inject: [Database],
    },
    { provide: IngestLock, useFactory: (database: Database) => new IngestLock(database), inject: [Database] },
    StoreLifecycle,
    StoreTelemetry,
  ],
  exports: [
    Database,
    InventoryRepository,
    AssessmentRepository,
    AssessmentSummaries,
    AssessmentWriter,
    IngestLock,
    ObservationRepository,
  ],
})
export class StoreModule {}
