import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { AdvisorModule } from '../advisor/advisor.module.js';
import { StoreModule } from '../store/store.module.js';
import { Access } from './access.js';
import { AdviceController } from './advice.controller.js';
import { AssessmentsController } from './assessments.controller.js';
import { AuthenticationGuard } from './authentication.guard.js';
import { InventoryController } from './inventory.controller.js';
import { LiveController } from './live.controller.js';
import { ModelsController } from './models.controller.js';
import { ObservationsController } from './observations.controller.js';
import { ProblemFilter } from './problem.filter.js';
import { SummariesController } from './summaries.controller.js';
import { validationPipe } from './validation.js';

/** The REST API. Needs an Assessor from outside. */
@Module({
  imports: [AdvisorModule, StoreModule],
  controllers: [
    AdviceController,
    AssessmentsController,
    InventoryController,
    LiveController,
    ModelsController,
    ObservationsController,
    SummariesController,
  ],
  providers: [
    Access,
    { provide: APP_FILTER, useClass: ProblemFilter },
    { provide: APP_GUARD, useClass: AuthenticationGuard },
    { provide: APP_PIPE, useFactory: validationPipe },
  ],
})
export class ApiModule {}
