import { Global, Module } from '@nestjs/common';
import { ASSESSMENT_SINK } from '../admission/assessment-sink.js';
import type { AssessmentSink } from '../admission/assessment-sink.js';
import { AdmissionModule } from '../admission/admission.module.js';
import { AdvisorModule } from '../advisor/advisor.module.js';
import { ASSESSOR } from '../advisor/assessor.js';
import type { Assessor } from '../advisor/assessor.js';
import { Cluster } from '../cluster/cluster.js';
import { POD_ORIGINS } from '../observe/sources.js';
import { AssessedPods } from './assessed-pods.js';
import { Leadership } from './leadership.js';
import { WebhookRegistrar } from './webhook-registrar.js';
import { FOLLOWING, Surroundings, WatchService } from './watch.service.js';
import type { Following } from './watch.service.js';
import { WorkloadDirectory } from './workload-directory.js';

/** Follows a cluster. Needs a Cluster, an Assessor and an AssessmentSink from outside. */
@Global()
@Module({
  imports: [AdmissionModule, AdvisorModule],
  providers: [
    WatchService,
    Leadership,
    WebhookRegistrar,
    Surroundings,
    WorkloadDirectory,
    AssessedPods,
    { provide: POD_ORIGINS, useExisting: AssessedPods },
    {
      provide: FOLLOWING,
      inject: [Cluster, ASSESSOR, ASSESSMENT_SINK],
      useFactory: (cluster: Cluster, assessor: Assessor, sink: AssessmentSink): Following => ({
        cluster,
        assessor,
        sink,
      }),
    },
  ],
  exports: [POD_ORIGINS],
})
export class WatchModule {}
