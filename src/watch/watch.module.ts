import { Module } from '@nestjs/common';
import { AdmissionModule } from '../admission/admission.module.js';
import { ASSESSOR } from '../advisor/assessor.js';
import type { Assessor } from '../advisor/assessor.js';
import { Cluster } from '../cluster/cluster.js';
import { ASSESSMENT_RECORDER } from './assessment-recorder.js';
import type { AssessmentRecorder } from './assessment-recorder.js';
import { WebhookRegistrar } from './webhook-registrar.js';
import { FOLLOWING, WatchService } from './watch.service.js';
import type { Following } from './watch.service.js';

/** Follows a cluster. Needs a Cluster, an Assessor and an AssessmentRecorder from outside. */
@Module({
  imports: [AdmissionModule],
  providers: [
    WatchService,
    WebhookRegistrar,
    {
      provide: FOLLOWING,
      inject: [Cluster, ASSESSOR, ASSESSMENT_RECORDER],
      useFactory: (cluster: Cluster, assessor: Assessor, recorder: AssessmentRecorder): Following => ({
        cluster,
        assessor,
        recorder,
      }),
    },
  ],
})
export class WatchModule {}
