import { type DynamicModule, Module } from '@nestjs/common';
import { AdmissionModule } from './admission/admission.module.js';
import { AssessorModule } from './advisor/assessor.module.js';
import { ApiModule } from './api/api.module.js';
import { ClusterModule } from './cluster/cluster.module.js';
import { SettingsModule } from './config/settings.module.js';
import type { SettingValues } from './config/settings.js';
import { IngestModule } from './ingest/ingest.module.js';
import { ObserveModule } from './observe/observe.module.js';
import { RecordingModule } from './recording.module.js';
import { TelemetryModule } from './telemetry/telemetry.module.js';
import { WatchModule } from './watch/watch.module.js';

/** Everything, put together by the settings: a cluster is followed only where one is named. */
@Module({})
export class AppModule {
  static with(settings: SettingValues): DynamicModule {
    const cluster = settings.kubeconfig === null ? [] : [ClusterModule, WatchModule];
    return {
      module: AppModule,
      imports: [
        SettingsModule.with(settings),
        TelemetryModule.create(),
        RecordingModule,
        AssessorModule,
        IngestModule,
        ObserveModule,
        AdmissionModule,
        ApiModule,
        ...cluster,
      ],
    };
  }
}
