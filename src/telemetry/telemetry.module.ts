import { type DynamicModule, Global, Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { HealthController } from './health.controller.js';
import { Metrics } from './metrics.js';
import { MetricsController } from './metrics.controller.js';
import { Readiness } from './readiness.js';

/** Metrics and health, for every other part. */
@Global()
@Module({})
export class TelemetryModule {
  static create(): DynamicModule {
    return {
      module: TelemetryModule,
      imports: [TerminusModule.forRoot({ logger: false, gracefulShutdownTimeoutMs: 0 })],
      controllers: [HealthController, MetricsController],
      providers: [Metrics, Readiness],
      exports: [Metrics, Readiness],
    };
  }
}
