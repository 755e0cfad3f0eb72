import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { HealthCheck, type HealthCheckResult, HealthCheckService, HealthIndicatorService } from '@nestjs/terminus';
import type { HealthIndicatorFunction, HealthIndicatorResult } from '@nestjs/terminus';
import { type PartCheck, Readiness } from './readiness.js';

/** Liveness and readiness for the kubelet, load balancers and people. */
@ApiExcludeController()
@Controller()
export class HealthController {
  constructor(
    private readonly health: HealthCheckService,
    private readonly indicators: HealthIndicatorService,
    private readonly readiness: Readiness,
  ) {}

  /** The process runs and its event loop turns. */
  @Get('healthz')
  @HealthCheck()
  live(): Promise<HealthCheckResult> {
    return this.health.check([]);
  }

  /** The process wants requests: 503 while it starts, drains or lacks what it cannot do without. */
  @Get('readyz')
  @HealthCheck()
  ready(): Promise<HealthCheckResult> {
    const parts = [...this.readiness.checks].map(([part, check]) => this.indicator(part, check));
    return this.health.check([() => this.drainIndicator(), ...parts]);
  }

  private drainIndicator(): HealthIndicatorResult {
    const indicator = this.indicators.check('process');
    return this.readiness.draining ? indicator.down('it is stopping') : indicator.up();
  }

  private indicator(part: string, check: PartCheck): HealthIndicatorFunction {
    return async () => {
      const indicator = this.indicators.check(part);
      const health = await check();
      if (health.status === 'up') return indicator.up();
      return health.status === 'down' ? indicator.down(health.message) : indicator.degraded(health.message);
    };
  }
}
