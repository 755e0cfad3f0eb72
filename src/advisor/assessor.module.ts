import { Global, Module } from '@nestjs/common';
import { AdvisorModule } from './advisor.module.js';
import { ASSESSOR } from './assessor.js';
import { AssessorPool } from './assessor-pool.js';

/** The assessor of the process, for webhook, watcher and REST. */
@Global()
@Module({
  imports: [AdvisorModule],
  providers: [AssessorPool, { provide: ASSESSOR, useExisting: AssessorPool }],
  exports: [ASSESSOR],
})
export class AssessorModule {}
