import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { LoggerModule } from 'nestjs-pino';
import type { Logger } from 'pino';
import { HealthController } from './health.controller.js';
import { requestLogging } from './logging.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { Readiness } from './readiness.js';

/** Logs, metrics and health, for every other part. */
@Global()
@Module({})
export class TelemetryModule {
  static with(log: Logger): DynamicModule {
    return {
      module: TelemetryModule,
      imports: [
        TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: 0 }),
        LoggerModule.forRoot(requestLogging(log)),
      ],
      controllers: [HealthController, MetricsController],
      providers: [Metrics, Readiness],
      exports: [Metrics, Readiness],
    };
  }
}
