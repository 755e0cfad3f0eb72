import { Global, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LoggerModule } from 'nestjs-pino';
import { SETTINGS } from '../config/settings.module.js';
import { HealthController } from './health.controller.js';
import { loggingParams } from './logging.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { Readiness } from './readiness.js';

/** Logs, metrics and health, for every other part. */
@Global()
@Module({
  imports: [
    TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: 0 }),
    LoggerModule.forRootAsync({ inject: [SETTINGS], useFactory: loggingParams }),
  ],
  controllers: [HealthController, MetricsController],
  providers: [Metrics, Readiness],
  exports: [Metrics, Readiness],
})
export class TelemetryModule {}
